"""The block of a `use: neo4j` backend."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from polystore_neo4j.config import Neo4jConfig
from polystore_neo4j.labels import near_question
from polystore_neo4j.names import quoted
from polystore_neo4j.rows import tag_of


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ({}, "Field required"),
        ({"uri": "http://h"}, "must begin with one of: neo4j://"),
        ({"uri": "bolt://u:p@h"}, "takes no user and password"),
        ({"uri": "bolt://"}, "names no host"),
        ({"uri": "bolt://h:99999"}, "is no address"),
        ({"uri": "bolt://h", "namespace": "a.b"}, "letters, digits and _"),
        ({"uri": "bolt://h", "namespace": "`"}, "letters, digits and _"),
        ({"uri": "bolt+s://h", "tls": {}}, "tls goes with neo4j:// or bolt://"),
        ({"uri": "bolt://h", "tls": {"root_cert": "missing.pem"}}, "cannot be read"),
        ({"uri": "bolt://h", "tls": {"key": __file__}}, "cert and key belong together"),
        ({"uri": "bolt://h", "pool": {"max": 0}}, "greater than or equal to 1"),
    ],
)
def test_wrong_blocks_say_what_is_wrong(block: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Neo4jConfig.model_validate(block)
    assert told in str(caught.value)


def test_no_password_is_ever_shown() -> None:
    config = Neo4jConfig.model_validate({"uri": "bolt://h", "password": "secret"})
    for shown in (repr(config), str(config), config.model_dump_json()):
        assert "secret" not in shown


def test_what_is_asked_of_lucene_holds_words_only() -> None:
    workspace = "w'\"\\"
    question = near_question(workspace, 'a+b -c && (d) "e" [f TO g] h* i? j: \\ k/l ~m ^n')
    assert question is not None
    near = f"near:{tag_of(workspace)}"
    words = [part.removeprefix(near).removesuffix("~2") for part in question.split(" OR ")]
    assert words == ["a", "b", "c", "d", "e", "f", "TO", "g", "h", "i", "j", "k", "l", "m", "n"]
    assert near_question("w", '+-&|!(){}[]^"~*?:\\/') is None


def test_names_are_quoted() -> None:
    assert quoted("a`b") == "`a``b`"
