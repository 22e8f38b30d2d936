"""The documentation's site: it builds, its links hold, and it asks no other host for anything."""

from __future__ import annotations

import ast
import html
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from site_messages import messages_of, messages_page
from site_pages import build_site, generated_pages
from site_versions import add_version

ROOT = Path(__file__).resolve().parent.parent.parent
QUESTIONS = 30
NAPARI_AND_KEYS = (
    *("File", "Open", "Open Sample", "Save Selected Layers", "IO Utilities", "Preferences"),
    *("Shortcuts", "Plugins", "ColorGAN", "Left", "Escape", "Ctrl+Shift+P"),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    # The builder is strict: a broken link or anchor, and a page that no menu names, end it.
    assert build_site(folder) == 0
    return folder


class _Loaded(HTMLParser):
    """The addresses that a browser loads with a page; links, which wait for a click, are none."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.images_without_text = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        loads = {"script", "img", "iframe", "source", "video"}
        if tag in loads and values.get("src"):
            self.addresses.append(values["src"] or "")
        if tag == "link" and values.get("rel") in {"stylesheet", "icon", "preload", "preconnect"}:
            self.addresses.append(values.get("href") or "")
        if tag == "img" and not values.get("alt"):
            self.images_without_text += 1


@pytest.mark.slow
def test_a_page_loads_nothing_from_other_hosts_and_every_picture_has_a_text(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        loaded = _Loaded()
        loaded.feed(page.read_text(encoding="utf-8"))
        assert loaded.addresses, page
        assert [a for a in loaded.addresses if re.match(r"(https?:)?//", a)] == [], page
        assert loaded.images_without_text == 0, page
    styles = [p.read_text(encoding="utf-8") for p in site.rglob("*.css")]
    assert styles
    assert not any(re.search(r"url\(\W*(https?:)?//|@import", text) for text in styles)


@pytest.mark.slow
def test_every_page_can_be_searched(site: Path) -> None:
    index = (site / "search.json").read_text(encoding="utf-8")
    for text in ("I see this message", "Command line", "Predicted colours", "napari-colorgan info"):
        assert text in index


@pytest.mark.slow
def test_each_message_stands_above_its_cure(site: Path) -> None:
    page = (site / "how-to" / "messages.html").read_text(encoding="utf-8")
    assert page.count("<dt>") == page.count("<dd>") > 200


def test_a_broken_link_ends_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = generated_pages() | {"reference/changelog.md": "# Changelog\n\n[gone](nowhere.md)\n"}
    monkeypatch.setattr("site_pages.generated_pages", lambda: pages)

    assert build_site(tmp_path / "site") != 0

    assert not (tmp_path / "site").exists()


def test_versions_stand_beside_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    releases = iter(("1.9", "1.10", "1.9 mended"))

    def build(folder: Path) -> int:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_text(next(releases))
        return 0

    monkeypatch.setattr("site_versions.build_site", build)
    for release in ("1.9.0", "1.10.0", "1.9.1"):
        assert add_version(tmp_path, release) == 0

    assert (tmp_path / "latest" / "index.html").read_text() == "1.10"
    assert (tmp_path / "1.9" / "index.html").read_text() == "1.9 mended"
    listed = json.loads((tmp_path / "versions.json").read_text())
    assert [(each["version"], each["aliases"]) for each in listed] == [
        ("1.10", ["latest"]),
        ("1.9", []),
    ]
    assert "latest/index.html" in (tmp_path / "index.html").read_text()
    monkeypatch.setattr("site_versions.build_site", lambda folder: 1)
    assert add_version(tmp_path, "2.0.0") == 1
    assert json.loads((tmp_path / "versions.json").read_text()) == listed


@pytest.mark.slow
def test_pages_have_the_menu_of_versions(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    config = re.search(r'<script id="__config" type="application/json">(.*?)</script>', page)
    assert config is not None
    assert json.loads(config[1])["version"] == {"provider": "mike"}


def test_the_page_of_messages_has_every_error_of_the_code() -> None:
    package = ROOT / "src" / "napari_colorgan"
    raised = sum(
        len(re.findall(r"\bexpected=", path.read_text(encoding="utf-8")))
        for path in package.rglob("*.py")
        if path.name != "errors.py"
    )
    messages = messages_of(package)

    # Those that are passed on in parts have no text of their own.
    assert len(messages) >= 0.9 * raised
    page = messages_page(package)
    for message in messages:
        # One whose parts are all filled in at run time has no text to search for.
        if set(message.text) - set("Expected, got. …"):
            assert message.module in page


def test_a_message_that_depends_on_something_stands_there_in_each_wording(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        'raise FileError(expected=f\'a file{" or folder" if many else ""} of {2 + 1}\',\n'
        "    got='none' if many else name, action='Name some.' if many else 'Name one.')\n"
    )

    messages = messages_of(tmp_path)

    assert [(message.text, message.action) for message in messages] == [
        ("Expected a file or folder of …, got none.", "Name some."),
        ("Expected a file of …, got ….", "Name one."),
    ]


def test_there_is_an_answer_to_thirty_questions() -> None:
    text = (ROOT / "docs" / "how-to" / "faq.md").read_text(encoding="utf-8")
    answers = re.split(r"^### .+\?$|^### .+\.(?: Why\?)?$", text, flags=re.MULTILINE)[1:]
    assert len(answers) >= QUESTIONS
    assert all(len(answer.split()) >= 1 for answer in answers)
    compared = (ROOT / "docs" / "explanation" / "other-tools.md").read_text(encoding="utf-8")
    assert f"[yes: {len(answers)}](../how-to/faq.md)" in compared


def test_a_row_of_the_comparison_without_our_yes_would_be_work_to_do() -> None:
    page = (ROOT / "docs" / "explanation" / "other-tools.md").read_text(encoding="utf-8")
    table = page.partition("## Where to look")[0]
    ours = [row.split("|")[2].strip() for row in re.findall(r"^\| .*$", table, re.MULTILINE)]
    assert len(ours) > 18
    assert [cell for cell in ours[1:] if not re.match(r"\[?yes", cell)] == []


def labels() -> set[str]:
    """Return what menus, buttons and rows of napari and the panels are called."""
    package = ROOT / "src" / "napari_colorgan"
    names = set(NAPARI_AND_KEYS)
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                # A shortcut's mark is no letter of the name.
                names.add(html.unescape(node.value).replace("&", ""))
    manifest = yaml.safe_load((package / "napari.yaml").read_text(encoding="utf-8"))
    contributions = manifest["contributions"]
    for kind in ("commands", "widgets", "sample_data", "writers"):
        for each in contributions[kind]:
            # An ellipsis says that a menu's entry opens a dialog.
            names.add((each.get("display_name") or each.get("title")).removesuffix("..."))
    names |= {
        f"{manifest['display_name']} {each['display_name']}" for each in contributions["writers"]
    }
    for part in contributions["configurations"].values():
        names |= {each["title"] for each in part["properties"].values()}
    return names


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.stem)
def test_steps_name_what_is_on_the_screen(path: Path) -> None:
    known = labels()
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    # A numbered step, to the end of its item, and what is bold in it.
    for step in re.findall(r"^\d+\. (?:.+\n?)+", text, re.MULTILINE):
        for name in re.findall(r"\*\*(.+?)\*\*", " ".join(step.split())):
            # One letter is a key.
            parts = [part for part in name.split(" > ") if len(part) > 1]
            assert [part for part in parts if part not in known] == [], name


def test_words_are_spelled_as_in_the_dictionary() -> None:
    places = ["docs", "src", "README.md", "CHANGELOG.md", "CONTRIBUTING.md"]
    program = Path(sys.executable).with_name("codespell")
    done = subprocess.run([program, *places], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
