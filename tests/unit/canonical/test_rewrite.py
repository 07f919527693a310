"""What a render changed on the request is changed back on the reply, and nothing else."""

from __future__ import annotations

from flowrouter.canonical import events as e
from flowrouter.canonical.events import Event
from flowrouter.canonical.fold import fold, replay
from flowrouter.canonical.grammar import Grammar
from flowrouter.canonical.parts import Part, Text, ToolCall
from flowrouter.canonical.rendered import ReplyEdits
from flowrouter.canonical.response import Choice, FinishReason, Response
from flowrouter.canonical.rewrite import ReplyRewriter

EDITS = ReplyEdits(names={"a_b_1": "a.b"}, custom=frozenset({"a_b_1", "patch"}), answer_tool="answer")


def call(name: str, arguments: str = "{}") -> ToolCall:
    return ToolCall(id="1", name=name, arguments=arguments)


def rewritten(*parts: Part, edits: ReplyEdits = EDITS, finish: FinishReason = "tool_calls") -> Choice:
    response = Response(origin="anthropic", id="1", model="m", choices=(Choice(parts=parts, finish=finish),))
    rewriter, grammar = ReplyRewriter(edits), Grammar()
    out = [grammar.check(new) for event in replay(response) for new in rewriter.feed(event)]
    grammar.end()
    return fold(out).choices[0]


def test_names_return_and_other_calls_stay() -> None:
    edits = ReplyEdits(names={"a_b_1": "a.b"})
    choice = rewritten(call("a_b_1", '{"x" : 1}'), call("other"), Text(text="a_b_1"), edits=edits)
    assert choice.parts == (call("a.b", '{"x" : 1}'), call("other"), Text(text="a_b_1"))
    assert choice.finish == "tool_calls"


def test_custom_tools_get_their_text_back() -> None:
    choice = rewritten(call("patch", '{"input":"*** Begin\\n\\"x\\""}'), call("a_b_1", '{"input":""}'))
    assert choice.parts == (
        ToolCall(id="1", name="patch", arguments='*** Begin\n"x"', kind="custom"),
        ToolCall(id="1", name="a.b", arguments="", kind="custom"),
    )


def test_custom_arguments_of_another_form_are_kept_as_they_are() -> None:
    for arguments in ('{"text":"x"}', '{"input":{"a":1}}', "plain text", '{"input":"cut', "[1]"):
        (part,) = rewritten(call("patch", arguments)).parts
        assert isinstance(part, ToolCall)
        assert part.arguments == arguments


def test_custom_text_is_whole_however_the_arguments_were_cut() -> None:
    arguments = '{"input":"é\\u00e9 \\\\ end"}'
    stream: list[Event] = [e.PartStart(index=0, part=call("patch", ""))]
    stream += [e.PartDelta(0, letter) for letter in arguments]
    rewriter = ReplyRewriter(EDITS)
    out = [new for event in [*stream, e.PartEnd(0)] for new in rewriter.feed(event)]
    assert out[1:] == [e.PartDelta(0, "éé \\ end"), e.PartEnd(0)]


def test_arguments_that_came_with_the_start_are_not_lost() -> None:
    rewriter = ReplyRewriter(EDITS)
    out = rewriter.feed(e.PartStart(index=0, part=call("patch", '{"input":"x"}'))) + rewriter.feed(
        e.PartEnd(0)
    )
    assert out[0] == e.PartStart(index=0, part=ToolCall(id="1", name="patch", arguments="", kind="custom"))
    assert out[1:] == [e.PartDelta(0, "x"), e.PartEnd(0)]
    (start,) = ReplyRewriter(EDITS).feed(e.PartStart(index=0, part=call("answer", '{"x":1}')))
    assert start == e.PartStart(index=0, part=Text(text='{"x":1}'))


def test_the_answer_tool_becomes_the_answer() -> None:
    choice = rewritten(call("answer", '{"city": "Bern"}'))
    assert choice.parts == (Text(text='{"city": "Bern"}'),)
    assert choice.finish == "stop"


def test_a_real_call_beside_the_answer_keeps_the_finish() -> None:
    choice = rewritten(call("answer", "{}"), call("other"))
    assert choice.parts[1] == call("other")
    assert choice.finish == "tool_calls"


def test_other_finishes_stay() -> None:
    assert rewritten(call("answer", '{"ci'), finish="length").finish == "length"


def test_edits_that_change_nothing_are_false() -> None:
    assert not ReplyEdits()
    assert ReplyEdits(answer_tool="x")
