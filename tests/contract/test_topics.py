"""TOPICS.md, topics.h, the messages and the routes of every service say the same."""
# SPDX-License-Identifier: MIT
import re

import pytest

from deploy.local.layout import ROOT
from tests.harness.messages import TYPES

ROLES = ["ingest", "router", "executor", "reconciler", "archiver", "monitor", "relay", "advisor"]


def in_code():
    text = (ROOT / "proto/topics.h").read_text()
    body = text[text.index("#define TOPICS(X)"):text.index("#define TOPIC_ENUM")].replace("\\\n", "\n")
    rows = re.findall(r'X\((\w+),\s*(\w+),\s*(\w+),\s*(.*?),\s*"([^"]*)"\)', body)
    return {name: (owner.lower(), split.lower().replace("_", " "), {c.lower() for c in re.findall(r"TO\((\w+)\)", consumers)},
                   set(types.split())) for name, owner, split, consumers, types in rows}


def in_document():
    rows = re.findall(r"^\| `(\w+)` \| ([\w ]+?) \| ([\w ]+?) \| ([\w, ]+?) \| ([\w, ]+?) \|$", (ROOT / "proto/TOPICS.md").read_text(), re.M)
    return {name: (owner.replace("each service", "roles"), split, set(consumers.split(", ")), set(types.split(", ")))
            for name, owner, split, types, consumers in rows}


def routes(service):
    """(topic, message) of every row of a service's route table."""
    text = "\n".join(p.read_text() for p in sorted((ROOT / "services" / service).glob("*.c")))
    tables = re.findall(r"struct route \w*routes?\[\] = \{(.*?)\n\};", text, re.S)
    found = set()
    for table in tables:
        for topic, descriptor in re.findall(r"TOPIC_(\w+),\s*&(\w+)__descriptor", table):
            found.add((topic, "".join(word.capitalize() for word in descriptor.split("_"))))
    return found


def test_the_document_and_the_code_list_the_same_topics():
    assert in_document() == in_code()
    assert len(in_code()) == 11


def test_every_message_on_a_topic_is_defined():
    for name, (_, _, _, types) in in_code().items():
        assert types <= set(TYPES), name


@pytest.mark.parametrize("service", ROLES)
def test_a_service_handles_only_what_comes_to_it(service):
    for topic, message in routes(service):
        owner, _, consumers, types = in_code()[topic]
        assert service in consumers, f"{service} has a route for {topic} but TOPICS.md does not send it there"
        assert message in types, f"{service} handles {message} on {topic}, which does not carry it"


@pytest.mark.parametrize("service", ROLES)
def test_a_service_that_is_sent_a_topic_handles_something_of_it(service):
    handled = {topic for topic, _ in routes(service)}
    for topic, (_, _, consumers, _) in in_code().items():
        if service in consumers and topic != "config":  # the loop itself keeps the configuration
            assert topic in handled, f"{service} consumes {topic} but has no route for it"
