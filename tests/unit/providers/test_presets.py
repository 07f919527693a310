"""Every packaged preset loads, is complete, and keeps the rules that presets have."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from flowrouter.errors import ConfigError
from flowrouter.providers import catalog
from flowrouter.providers.preset import Preset, check_base_url
from flowrouter.providers.quirks import CHAT_FACTS, FACTS, QUIRKS, Quirk
from flowrouter.strict_toml import TomlError

REQUIRED = {
    "openai", "anthropic", "openrouter", "deepseek", "groq", "mistral", "xai", "together", "fireworks",
    "cerebras", "ollama", "lmstudio", "vllm", "llamacpp", "local", "custom-openai", "custom-anthropic",
}  # fmt: skip
PRESETS = list(catalog.packaged())
ids = [preset.id for preset in PRESETS]


def test_the_promised_presets_are_there() -> None:
    assert set(catalog.packaged().ids) >= REQUIRED


@pytest.mark.parametrize("preset", PRESETS, ids=ids)
def test_a_file_is_named_by_its_id_and_states_its_source(preset: Preset) -> None:
    text = catalog.read_packaged("presets")[f"presets/{preset.id}.toml"]
    assert text.startswith("# ")


@pytest.mark.parametrize("preset", PRESETS, ids=ids)
def test_remote_presets_are_complete(preset: Preset) -> None:
    if preset.local or preset.needs_url:
        assert not preset.auth.required
        return
    assert preset.auth.required
    assert preset.auth.env_names
    assert preset.auth.key_url is not None
    for dialect in preset.served_dialects:
        url = preset.base_url(dialect)
        assert url is not None
        assert url.startswith("https://")
        assert not url.endswith("/")
        assert url.rsplit("/", 1)[-1].startswith("v")


@pytest.mark.parametrize("preset", PRESETS, ids=ids)
def test_no_preset_carries_a_credential_or_a_foreign_identity(preset: Preset) -> None:
    for dialect in preset.served_dialects:
        names = {name.lower() for name in preset.headers_for(dialect)}
        assert not names & {
            "authorization",
            "x-api-key",
            "api-key",
            "cookie",
            "user-agent",
            "originator",
            "x-app",
        }
        assert not any(name.startswith("x-stainless") for name in names)


def test_local_presets_admit_one_request_unless_they_batch() -> None:
    admitted = {preset.id: preset.max_concurrency for preset in PRESETS if preset.local}
    assert admitted == {"ollama": 1, "lmstudio": 1, "llamacpp": 1, "local": 1, "vllm": 64}
    assert all(preset.max_concurrency == 64 for preset in PRESETS if not preset.local)


def test_the_embedded_model_answers_only_its_own_name() -> None:
    local = catalog.packaged().get("local")
    assert "own_models_only" in local.quirks
    assert local.models.static == ("smollm2-135m",)
    assert local.models.shape == "none"


def test_every_quirk_is_documented_and_used_or_documented_only() -> None:
    assert set(QUIRKS) == set(get_args(Quirk))
    assert set(FACTS) | set(CHAT_FACTS) <= set(QUIRKS)
    assert not set(FACTS) & set(CHAT_FACTS)


def test_deepseek_authenticates_by_dialect() -> None:
    deepseek = catalog.packaged().get("ds")
    assert deepseek.auth_for("openai_chat").type == "bearer"
    assert deepseek.auth_for("anthropic").header == "x-api-key"


def test_an_unknown_preset_names_the_closest() -> None:
    with pytest.raises(catalog.UnknownPresetError, match="did you mean 'openrouter'"):
        catalog.packaged().get("openruter")
    with pytest.raises(catalog.UnknownPresetError, match="known: anthropic, "):
        catalog.packaged().get("zzzzzz")


def test_a_user_file_changes_only_the_keys_it_sets(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'id = "groq"\nmax_concurrency = 3\n[dialects]\nopenai_chat = "https://proxy.test/v1"\n'
    )
    (tmp_path / "acme.toml").write_text(
        'id = "acme"\nname = "Acme"\nvendor = "Acme"\naliases = ["ac"]\n[dialects]\nanthropic = "https://a.test/v1"\n'
    )
    loaded = catalog.load(tmp_path)
    groq = loaded.get("groq")
    assert groq.base_url("openai_chat") == "https://proxy.test/v1"
    assert groq.base_url("openai_responses") == "https://api.groq.com/openai/v1"
    assert (groq.max_concurrency, groq.name) == (3, "Groq")
    assert loaded.get("ac").served_dialects == ("anthropic",)
    assert catalog.packaged().get("groq").max_concurrency == 64
    assert "acme" not in catalog.packaged()


def test_user_files_fail_with_their_own_place(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('id = "groq"\nmax_concurency = 3\n')
    with pytest.raises(TomlError) as caught:
        catalog.load(tmp_path)
    assert (caught.value.file, caught.value.line) == (str(path), 2)
    assert caught.value.fix == "did you mean `max_concurrency`?"


def test_two_user_files_for_one_preset_are_refused() -> None:
    files = {"a.toml": 'id = "groq"', "b.toml": '\nid = "groq"'}
    with pytest.raises(TomlError, match=r"b\.toml:2: preset 'groq' is already defined in a\.toml"):
        catalog.packaged().with_files(files)


def test_a_taken_alias_is_refused() -> None:
    text = 'id = "acme"\nname = "A"\nvendor = "A"\naliases = ["ds"]\n[dialects]\ngemini = "https://a.test/v1beta"\n'
    with pytest.raises(ConfigError, match=r"'ds'.*'deepseek'"):
        catalog.packaged().with_files({"acme.toml": text})


def test_a_missing_folder_is_an_empty_one(tmp_path: Path) -> None:
    assert catalog.load(tmp_path / "none") is catalog.packaged()
    assert catalog.load(tmp_path) is catalog.packaged()


@pytest.mark.parametrize(
    "url",
    [
        "api.acme.test/v1", "ftp://acme.test", "https://", "https://user:pw@acme.test/v1", "https://acme.test/v1?x=1",
        "https://acme.test/v1#x", "https://acme.test/a b", "https://acme.test:port/v1", "https://acme.test:99999/v1",
    ],
)  # fmt: skip
def test_addresses_that_are_none_are_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        check_base_url(url)
    assert "pw" not in str(caught.value)
