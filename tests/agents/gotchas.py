"""Which test holds which of the known traps of translation; a trap without a test fails the suite."""

from __future__ import annotations

LAST = 48
ADAPTERS = (40, 41, 42)
"""Traps of hosts with an address form of their own: they belong to those hosts' adapters."""

_HISTORY = "unit/canonical/test_history.py"
_CHAT = "unit/dialects/openai_chat"
_CLAUDE = "unit/dialects/anthropic"
_GEMINI = "unit/dialects/gemini"
_RESPONSES = "unit/dialects/openai_responses"
_ODD = "agents/test_gotchas.py::test_an_odd_request_is_taken"

GOTCHAS: dict[int, tuple[str, ...]] = {
    # Ids of other systems, over-long, empty, the same twice.
    1: (
        _ODD,
        f"{_HISTORY}::test_bad_ids_are_cleaned_on_both_sides",
        f"{_HISTORY}::test_the_same_id_in_two_turns",
        f"{_CHAT}/test_foreign_messages.py::test_long_ids_are_cut_to_the_vendor_s_limit_without_colliding",
        f"{_RESPONSES}/test_foreign_messages.py::test_call_ids_fit",
    ),
    # Results spread, out of order, twice, missing, of no call.
    2: (
        _ODD,
        f"{_HISTORY}::test_results_of_several_tool_messages_are_gathered_in_call_order",
        f"{_HISTORY}::test_the_last_of_two_results_counts",
        f"{_HISTORY}::test_missing_result_is_a_stub_that_says_so",
        f"{_HISTORY}::test_result_for_no_call_becomes_text",
    ),
    # Content that is null, empty, an empty list or an empty text.
    3: (
        _ODD,
        f"{_CLAUDE}/test_foreign_messages.py::test_texts_without_a_visible_character_go",
        f"{_GEMINI}/test_foreign_messages.py::test_empty_texts_and_other_vendors_attribution_are_left_out",
    ),
    # Calls and text in one message, text behind calls.
    4: (
        _ODD,
        f"{_CHAT}/test_foreign_messages.py::test_text_comes_before_calls_and_arguments_keep_their_text",
        f"{_GEMINI}/test_foreign_messages.py::test_text_behind_calls_moves_before_them",
        f"{_CLAUDE}/test_foreign_messages.py::test_reasoning_comes_first_and_calls_last",
    ),
    # Arguments that are an object, empty, broken, a list, in single quotes.
    5: (
        _ODD,
        "unit/canonical/test_arguments.py::test_other_texts_become_objects",
        f"{_CHAT}/test_parse_requests.py::test_arguments_are_text",
    ),
    # System messages in the middle, several, as lists, nothing else.
    6: (
        _ODD,
        f"{_GEMINI}/test_foreign_messages.py::test_only_system_gets_a_user_turn",
        f"{_CLAUDE}/test_foreign_messages.py::test_a_later_system_message_stays_in_place_as_a_marked_text",
        f"{_RESPONSES}/test_foreign_messages.py::test_system_messages_keep_their_place",
    ),
    # The developer role.
    7: (_ODD, "agents/test_codex.py::test_developer_messages_are_the_systems"),
    # Turns of one role, joined but not over results.
    8: (
        _ODD,
        f"{_CLAUDE}/test_foreign_messages.py::test_results_stand_first_and_are_not_mixed_with_what_was_said_before_the_calls",
        f"{_GEMINI}/test_foreign_messages.py::test_roles_and_merging",
    ),
    # A begun answer, and the blank at its end.
    9: (
        _ODD,
        f"{_CLAUDE}/test_foreign_messages.py::test_a_prefilled_answer_stays_and_loses_its_trailing_space",
        f"{_CLAUDE}/test_foreign_messages.py::test_a_prefilled_answer_becomes_an_instruction_where_it_cannot_stay",
        f"{_GEMINI}/test_foreign_messages.py::test_a_begun_answer",
    ),
    # Data URLs in all their forms.
    10: (
        _ODD,
        f"{_CHAT}/test_data_urls.py::test_every_form_becomes_plain_base64",
        f"{_CHAT}/test_data_urls.py::test_no_data_is_refused_by_name",
    ),
    # Pictures in results, documents for hosts without files.
    11: (
        _ODD,
        f"{_CHAT}/test_foreign_messages.py::test_media_of_results_follow_after_all_tool_messages_with_the_user_s_words",
        f"{_CHAT}/test_foreign_messages.py::test_documents_without_a_file_form_become_text",
    ),
    # No tool may be called; a forced tool beside thinking.
    12: (
        _ODD,
        f"{_CLAUDE}/test_foreign_tools.py::test_tool_choice",
        f"{_CLAUDE}/test_foreign_tools.py::test_a_forced_tool_switches_thinking_off_and_stays_forced",
        f"{_GEMINI}/test_tools.py::test_choice",
    ),
    # One call at a time without a choice.
    13: (
        _ODD,
        f"{_CHAT}/test_foreign_requests.py::test_no_parallel_calls",
        f"{_CLAUDE}/test_foreign_tools.py::test_tool_choice",
    ),
    # Names beyond the limit that collide when cut.
    14: (
        _ODD,
        "agents/test_gotchas.py::test_a_name_that_was_cut_comes_back_whole",
        "unit/canonical/test_names.py::test_fitted_names_keep_the_rule_and_stay_apart",
        f"{_CHAT}/test_foreign_requests.py::test_names_too_long_or_odd_are_fitted_and_restored_without_colliding",
    ),
    # Schemas: names of keywords, cycles, unions at the root, booleans, empty objects.
    15: (
        _ODD,
        f"{_GEMINI}/test_schema.py::test_properties_named_like_keywords_survive",
        f"{_GEMINI}/test_schema.py::test_cycles_and_loose_ends_end",
        f"{_CLAUDE}/test_schemas.py::test_a_union_at_the_root_asks_for_what_all_branches_ask",
        f"{_CLAUDE}/test_schemas.py::test_property_names_are_no_keywords_and_booleans_are_schemas",
    ),
    # Zeros are values.
    16: (
        _ODD,
        f"{_CHAT}/test_parse_requests.py::test_zeros_and_false_are_values",
        f"{_GEMINI}/test_foreign_options.py::test_sampling_zeros_survive",
        f"{_RESPONSES}/test_foreign_requests.py::test_zeros_survive",
    ),
    # Budgets that are too small, too large, or not known.
    17: (
        _ODD,
        f"{_CLAUDE}/test_foreign_options.py::test_manual_budgets_fit_between_the_least_and_the_cap",
        f"{_CLAUDE}/test_foreign_options.py::test_a_model_that_does_not_reason_on_request",
    ),
    # Gemini takes a level or a budget, never both.
    18: (
        f"{_GEMINI}/test_thinking.py::test_never_both",
        f"{_GEMINI}/test_thinking.py::test_levels",
        f"{_GEMINI}/test_thinking.py::test_efforts_become_budgets",
    ),
    # Thinking without a signature, of others, redacted; signatures that are missing.
    19: (
        _ODD,
        f"{_CLAUDE}/test_requests.py::test_reasoning_of_others_is_not_sent_to_the_vendor",
        f"{_GEMINI}/test_foreign_signatures.py::test_unsigned_steps_skip_the_check_where_the_model_has_one",
        f"{_GEMINI}/test_foreign_signatures.py::test_reasoning_of_others_is_dropped",
    ),
    # Thinking stays over the loop of tools.
    20: (
        "agents/test_thirty_turns.py::test_each_prompt_begins_with_the_last_one",
        f"{_CLAUDE}/test_requests.py::test_a_thinking_loop_survives_the_vendors_own_check",
        f"{_CLAUDE}/test_foreign_options.py::test_manual_thinking_needs_its_block_in_the_tool_turn_being_answered",
    ),
    # Reasoning between tags, cut anywhere.
    21: (
        f"{_CHAT}/test_think_tags.py::test_at_every_cut",
        "playbooks/test_translate.py::test_inline_thinking_of_local_models_becomes_reasoning_whole_and_streamed",
    ),
    # Reasoning that a host wants back, or must not see.
    22: (
        f"{_CHAT}/test_foreign_messages.py::test_reasoning_returns_only_to_hosts_that_want_it",
        f"{_CHAT}/test_foreign_messages.py::test_a_turn_without_reasoning_still_has_the_member_where_the_host_insists",
        "unit/providers/test_profiles.py::test_reasoning_goes_back_where_it_must",
    ),
    # Usage late, never, in every chunk, unasked.
    23: (
        f"{_CHAT}/test_stream_decoder.py::test_usage_wherever_a_host_puts_it",
        f"{_CHAT}/test_stream_decoder.py::test_usage_repeated_is_told_once",
        "playbooks/test_passthrough.py::test_usage_only_frame_is_withheld_from_a_client_that_did_not_ask",
        "conformance/test_missing_usage.py::test_a_chat_client_gets_none_but_the_books_have_an_estimate",
    ),
    # A finish that is null, empty or never told; a cut.
    24: (
        f"{_CHAT}/test_stream_decoder.py::test_an_empty_finish_is_none_until_the_end",
        f"{_CHAT}/test_stream_decoder.py::test_a_host_that_never_says_finish",
        "playbooks/test_passthrough.py::test_cut_stream_ends_with_an_error_and_no_terminator",
    ),
    # Gemini: a finish before the last text, a blocked prompt, no candidates, STOP with a call.
    25: (
        f"{_GEMINI}/test_stream_decoder.py::test_the_finish_waits_for_text_behind_it",
        f"{_GEMINI}/test_stream_decoder.py::test_a_blocked_prompt",
        f"{_GEMINI}/test_finishes.py::test_a_call_is_a_reason_only_for_a_natural_end",
    ),
    # Calls without an index, counted from one, with a late id, a name in pieces.
    26: (
        f"{_CHAT}/test_stream_calls.py::test_calls_of_every_host_come_out_alike",
        f"{_CHAT}/test_stream_calls.py::test_names_in_pieces_repeated_or_growing",
    ),
    # A stream of nothing, an empty answer.
    27: (
        "playbooks/test_failover.py::test_empty_stream_is_an_error_not_an_empty_success",
        "playbooks/test_endings.py::test_an_answer_of_blanks_is_an_empty_answer",
        f"{_CHAT}/test_stream_decoder.py::test_a_stream_of_nothing_is_an_error",
    ),
    # An error with status 200, whole or as the first event.
    28: (
        "playbooks/test_failover.py::test_json_error_with_status_200_fails_over",
        "playbooks/test_failover.py::test_error_in_the_first_event_fails_over_before_the_head",
    ),
    # Pages instead of answers.
    29: (
        "playbooks/test_failover.py::test_html_is_never_forwarded",
        "playbooks/test_failover.py::test_html_with_status_200_is_a_bad_reply",
    ),
    # Bytes that are no text, lone surrogates.
    30: (
        _ODD,
        "unit/wire/test_json.py::test_bad_text_is_replaced",
        f"{_CHAT}/test_parse_requests.py::test_lone_surrogates_and_bad_utf8_are_replaced_not_fatal",
    ),
    # Huge lines, data on several lines.
    31: (
        "unit/wire/test_sse.py::test_large_event_is_whole",
        "unit/wire/test_sse.py::test_multi_line_data_keeps_its_blank_lines",
    ),
    # Within one dialect all passes: unknown members, marks, betas.
    32: (
        "e2e/test_wire.py::test_120_kb_with_unknown_fields_differs_in_owned_fields_only",
        "agents/test_claude_code.py::test_its_vendor_gets_the_bytes_as_they_are",
        "agents/test_claude_code.py::test_betas_reach_its_vendor_whole_and_no_other",
        "unit/providers/test_adapter.py::test_betas_of_account_and_client_are_joined_once",
    ),
    # Marks of the cache stay, and are four at most.
    33: (
        "agents/test_claude_code.py::test_four_marks_of_the_cache_stay_four",
        "conformance/test_anthropic_answers.py::test_cache_marks_are_not_moved_or_added",
        f"{_CLAUDE}/test_foreign_messages.py::test_cache_marks_stay_in_place_up_to_four_with_long_ones_first",
    ),
    # The same bytes turn after turn.
    34: (
        "agents/test_thirty_turns.py::test_each_prompt_begins_with_the_last_one",
        f"{_GEMINI}/test_schema.py::test_the_same_schema_gives_the_same_bytes",
        f"{_RESPONSES}/test_foreign_tools.py::test_bytes_are_the_same_turn_after_turn",
    ),
    # The model's name in the answer.
    35: (
        "playbooks/test_translate.py::test_reply_model_asked_edits_each_frame",
        "playbooks/test_translate.py::test_fallback_may_change_the_dialect_and_then_names_who_answered",
    ),
    # Attribution blocks.
    36: (
        "agents/test_claude_code.py::test_the_attribution_block_stays_first_and_whole",
        "agents/test_claude_code.py::test_the_attribution_block_is_left_out_elsewhere_and_told",
    ),
    # Hosts that reject `stream_options`.
    37: (
        "conformance/test_missing_usage.py::test_a_host_that_rejects_stream_options_is_remembered",
        "playbooks/test_refused_fields.py::test_the_request_goes_once_more_without_the_field",
    ),
    # The two names of the output cap.
    38: (
        "playbooks/test_refused_fields.py::test_a_cap_is_sent_under_the_name_the_host_knows",
        f"{_CHAT}/test_foreign_requests.py::test_the_cap_goes_under_the_host_s_name",
    ),
    # Settings that say nothing.
    39: (
        _ODD,
        f"{_CHAT}/test_foreign_requests.py::test_without_tools_neither_choice_nor_parallel_flag_is_sent",
    ),
    # Fences around JSON.
    43: (
        "agents/test_fences.py::test_fences_go_where_json_was_asked_for_in_words",
        "agents/test_fences.py::test_fences_stay_where_nobody_asked_for_json",
    ),
    # Counts of tokens.
    44: (
        "agents/test_claude_code.py::test_tokens_are_counted",
        "unit/canonical/test_usage.py::test_system_and_tools_count",
        "playbooks/test_counting.py::test_the_next_account_is_asked_before_anything_is_estimated",
    ),
    # Compressed bodies, `Expect: 100-continue`.
    45: (
        "e2e/test_wire.py::test_compressed_bodies_are_read",
        "e2e/test_robustness.py::test_a_client_may_wait_for_100_continue",
    ),
    # Several choices at once.
    46: (
        f"{_CHAT}/test_stream_decoder.py::test_choices_interleave",
        "conformance/test_openai_answers.py::test_two_choices",
    ),
    # Functions of old.
    47: (
        _ODD,
        "conformance/test_openai_tools.py::test_legacy_functions",
        f"{_CHAT}/test_parse_requests.py::test_legacy_calls_get_ids_that_pair_them_with_their_results",
    ),
    # Stop sequences where there are none.
    48: (
        _ODD,
        "agents/test_gotchas.py::test_a_stop_that_a_vendor_has_no_word_for_is_told",
        f"{_RESPONSES}/test_foreign_requests.py::test_what_has_no_place",
    ),
}

__all__ = ["ADAPTERS", "GOTCHAS", "LAST"]
