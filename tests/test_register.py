"""The register: what it refuses, in a sentence that names the entry; and that the course's own is whole."""

import pytest

from utils.register import FILE, Entry, parse, register, written

ONE = """
[[chapter]]
number = 1
name = "backprop"
title = "Back-propagation"
chinese = "反向传播"
summary = "The chain rule by hand."
"""
TWO = ONE.replace("1", "2").replace("backprop", "activations")


def test_the_register_of_the_course():
    entries = register()
    assert list(entries) == sorted(entries) == list(range(25))
    assert all(entry.summary.endswith(".") and entry.chinese for entry in entries.values())
    assert all(entry.label and len(entry.place) == 2 and entry.concepts for n, entry in entries.items() if n)
    places = [entry.place for entry in entries.values() if entry.place]
    assert len(set(places)) == len(places), "two chapters on one spot of the map"
    assert {0, 1} <= set(written())


def test_an_entry():
    (entry,) = parse(ONE).values()
    assert entry.heading == "01 Back-propagation · 反向传播" and entry.two_digits == "01"
    assert entry.file_name == "01_backprop.ipynb" and entry.module == "utils.chapters.backprop"
    assert Entry(0, "start", "Start", "开始", "").heading == "Start · 开始"
    assert Entry(12, "transformer", "Transformer", "Transformer", "").heading == "12 Transformer"


def test_entries_come_in_order_and_the_next_caller_gets_his_own(tmp_path):
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_text(TWO + ONE, encoding="utf-8")
    register(tmp_path).clear()
    assert list(register(tmp_path)) == [1, 2] and written(tmp_path) == {}
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "02_activations.ipynb").touch()
    assert list(written(tmp_path)) == [2]


def test_a_missing_file(tmp_path):
    with pytest.raises(ValueError, match="cannot be read; expected it at"):
        register(tmp_path)
    (tmp_path / FILE).mkdir(parents=True)
    with pytest.raises(ValueError, match="cannot be read"):
        register(tmp_path)


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not UTF-8"):
        register(tmp_path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[chapter", "is not valid TOML"),
        (f"{'<' * 7} HEAD\n{ONE}", "is not valid TOML"),
        ("chapter = 3", "every chapter must begin with"),
        ("chapter = [3]", "every chapter must begin with"),
        ("[chapter]\nnumber = 3", "every chapter must begin with"),
        (ONE + 'colour = "blue"', r"entry 1 \(number 1\): unknown key colour; expected some of number, name"),
        (ONE.replace("title", "# title"), "entry 1 .number 1.: title is missing"),
        (ONE.replace("number", "# number"), "entry 1 .number None.: number is missing"),
        (ONE.replace("= 1", '= "1"'), "number is '1'; expected a whole number"),
        (ONE.replace("= 1", "= true"), "number is True; expected a whole number"),
        (ONE.replace("= 1", "= 100"), "the number must be between 0 and 99"),
        (ONE + "label = 3", "label is 3; expected a text"),
        (ONE + "needs = 1", "needs is 1; expected a list of whole numbers"),
        (ONE + 'needs = ["0"]', "needs is .*; expected a list of whole numbers"),
        (ONE.replace("backprop", "back-prop"), "name is 'back-prop'; expected that of a Python package"),
        (ONE.replace('"backprop"', '"../x"'), "expected that of a Python package"),
        (ONE + ONE, "number 1 stands twice"),
        (ONE + ONE.replace("= 1", "= 2"), "name backprop stands twice"),
        (ONE + 'concepts = "BP"' + TWO + 'concepts = "BP"', "concepts BP stands twice"),
        (ONE + "needs = [7]", r"chapter 1 needs \[7\], not there"),
        (ONE + "needs = [1]", "chapter 1 needs itself"),
        (ONE + "needs = [2]" + TWO + "needs = [1]", "chapter 1 needs itself, by way"),
    ],
)
def test_what_is_wrong_is_named(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        parse(text)


def test_two_ways_to_one_chapter_are_no_cycle():
    three = TWO.replace("= 2", "= 3").replace("activations", "three")
    assert len(parse(ONE + TWO + "needs = [1]" + three + "needs = [1, 2]")) == 3
