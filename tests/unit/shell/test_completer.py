from __future__ import annotations

import os
import time
from contextlib import nullcontext
from threading import Event
from types import SimpleNamespace

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from pyqio.shell.completer import CommandCompleter


def entries(names):
    """What scandir gives for a folder of these files."""
    return nullcontext(SimpleNamespace(name=name, is_dir=lambda: False) for name in names)


def found(completer, text):
    return [completion.text for completion in completer.get_completions(Document(text), CompleteEvent())]


def test_within_when_there_is_time_then_all_of_it(session):
    completions = CommandCompleter(session).within(Document("trun"), 10)

    assert [(c.text, c.start_position, c.display_meta_text) for c in completions] == [
        ("truncate", -4, "truncates the current file at the given offset")
    ]


def test_within_when_folder_does_not_answer_then_the_key_does_not_wait(session, monkeypatch):
    answers = Event()
    monkeypatch.setattr(os, "scandir", lambda path: answers.wait(10) and entries(["raw.img"]))
    completer = CommandCompleter(session)

    started = time.monotonic()
    first = completer.within(Document("open r"), 0.01)
    waited = time.monotonic() - started
    answers.set()

    assert (first, found(completer, "open r"), waited < 5) == (None, ["raw.img"], True)


def test_within_when_folder_has_a_hundred_thousand_files_then_the_key_does_not_wait(session, monkeypatch):
    monkeypatch.setattr(os, "scandir", lambda path: entries(f"{number:06}" for number in range(100_000)))
    completer = CommandCompleter(session)
    completer.within(Document("open nothing"), 10)

    started = time.monotonic()
    completer.within(Document("open 0"), 0.01)
    waited = time.monotonic() - started

    assert (waited < 1, len(found(completer, "open 0"))) == (True, 1000)


def test_completions_when_line_is_enormous_then_none(session):
    assert found(CommandCompleter(session), "x" * 5000) == []


def test_completions_when_something_is_broken_then_it_is_raised(session, monkeypatch):
    monkeypatch.setattr(os, "scandir", lambda path: 1 / 0)
    completer = CommandCompleter(session)

    with pytest.raises(ZeroDivisionError):
        completer.within(Document("open r"), 10)
