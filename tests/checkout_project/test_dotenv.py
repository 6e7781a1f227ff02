"""`.env` is read as Docker Compose reads it, or refused with the line's number."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from checkout_project import dotenv
from dev import compose

OUTSIDE = {"HOME": "/home/me"}

READ: dict[bytes, dict[str, str]] = {
    # spaces, indents, export, separators
    b"A=b\n": {"A": "b"},
    b"A=b": {"A": "b"},
    b"A = b\n": {"A": "b"},
    b"A =b\n": {"A": "b"},
    b"A= b\n": {"A": "b"},
    b"A=b  \n": {"A": "b"},
    b" A=b\n": {"A": "b"},
    b"\tA=b\n": {"A": "b"},
    b"export A=b\n": {"A": "b"},
    b"export  A = b\n": {"A": "b"},
    b"  export A=b\n": {"A": "b"},
    b"exportA=b\n": {"exportA": "b"},
    b"export=b\n": {"export": "b"},
    b"a=b\n_A=c\n": {"a": "b", "_A": "c"},
    b"A:b\n": {"A": "b"},
    b"A: b\n": {"A": "b"},
    b"A:b=c\n": {"A": "b=c"},
    b"A=b c\n": {"A": "b c"},
    b"A==b\n": {"A": "=b"},
    b"A=b=c==\n": {"A": "b=c=="},
    b"A=b\nA=c\n": {"A": "c"},
    # no value
    b"A=\n": {"A": ""},
    b"A =\n": {"A": ""},
    b"A=''\n": {"A": ""},
    b'A=""\n': {"A": ""},
    b"A=\nB=c\n": {"A": "", "B": "c"},
    b"A=   \nB=c\n": {"A": "", "B": "c"},
    b"A=b\n\n\nB=c\n": {"A": "b", "B": "c"},
    # comments
    b"#A=b\n": {},
    b" # A=b\n": {},
    b"A=b #c\n": {"A": "b"},
    b"A=b#c\n": {"A": "b#c"},
    b"A=#c\n": {"A": "#c"},
    b"A= #c\n": {"A": "#c"},
    b"A=a\t#b\n": {"A": "a\t#b"},
    b"A='b' #c\n": {"A": "b"},
    b"A='b'#c\n": {"A": "b"},
    b'A="a#b"\n': {"A": "a#b"},
    b"A='a#b'\n": {"A": "a#b"},
    b'A="b" # it\'s\nB=c\n': {"A": "b", "B": "c"},
    # quotes and backslashes
    b"A='b'\n": {"A": "b"},
    b'A="b"\n': {"A": "b"},
    b"A=' b '\n": {"A": " b "},
    b"A='a\"b'\n": {"A": 'a"b'},
    b'A="a\'b"\n': {"A": "a'b"},
    b"A='a\\'b'\n": {"A": "a'b"},
    b'A="a\\"b"\n': {"A": 'a"b'},
    b"A=a'b\n": {"A": "a'b"},
    b'A=a"b"\n': {"A": 'a"b"'},
    b"A='a\nb'\nB=c\n": {"A": "a\nb", "B": "c"},
    b'A="a\nb"\n': {"A": "a\nb"},
    b'A="a\\nb"\n': {"A": "a\nb"},
    b"A='a\\nb'\n": {"A": "a\\nb"},
    b"A=a\\nb\n": {"A": "a\\nb"},
    b'A="a\\tb"\n': {"A": "a\tb"},
    b'A="a\\xb"\n': {"A": "a\\xb"},
    b'A="a\\\\b"\n': {"A": "a\\b"},
    b'A="b\\\\"\nB=c\n': {"A": "b\\", "B": "c"},
    b"A='b\\\\'\n": {"A": "b\\\\"},
    b"A=b\\\n": {"A": "b\\"},
    b"A=b\\'\n": {"A": "b\\'"},
    # $ and %
    b"A=a$HOME\n": {"A": "a/home/me"},
    b"A=${HOME}x\n": {"A": "/home/mex"},
    b'A="$HOME"\n': {"A": "/home/me"},
    b"A='$HOME'\n": {"A": "$HOME"},
    b'A="\\$HOME"\n': {"A": "$HOME"},
    b"A=\\$HOME\n": {"A": "\\/home/me"},
    b"A=b\nB=$A\n": {"A": "b", "B": "b"},
    b"A=b\nB=${A}\n": {"A": "b", "B": "b"},
    b"A=${HOME}$$${HOME}\n": {"A": "/home/me$/home/me"},
    b"A=$$b\n": {"A": "$b"},
    b"A=p@$$w0rd\n": {"A": "p@$w0rd"},
    b'A="p$$w"\n': {"A": "p$w"},
    b"A=$${HOME:-x}\n": {"A": "${HOME:-x}"},
    b"A=a$\n": {"A": "a$"},
    b"A=a$1\n": {"A": "a$1"},
    b"A=$(id)\n": {"A": "$(id)"},
    b"A=100%\n": {"A": "100%"},
    b"A=%d%(A)s\n": {"A": "%d%(A)s"},
    b"A=b;c`d`!e\n": {"A": "b;c`d`!e"},
    # line ends, byte order marks, other alphabets
    b"A=b\r\nB=c\r\n": {"A": "b", "B": "c"},
    b"A='b'\r\nB=c\r\n": {"A": "b", "B": "c"},
    b"A=b\rB=c\r": {"A": "b\rB=c"},
    b"\xef\xbb\xbfA=b\n": {"A": "b"},
    b"\xef\xbb\xbf# x\nA=b\n": {"A": "b"},
    b"A=\xc3\xa7\n": {"A": "ç"},
    b"A=\xc2\xa0b\n": {"A": "b"},
    b"A=b\xc2\xa0\n": {"A": "b"},
    b"A=b\x0cB=c\n": {"A": "b\x0cB=c"},
    b"A=b\xe2\x80\xa8B=c\n": {"A": "b\u2028B=c"},
}

REFUSED: dict[bytes, str] = {
    # Compose refuses these too.
    b"# fine\nA B=secret\n": "line 2 of .env is not NAME=value",
    b"set A=secret\n": "line 1 of .env is not NAME=value",
    b"A=b\r\n\r\n<<<<<<< HEAD\r\n": "line 3 of .env is not NAME=value",
    b"A='secret\nB=c\n": "line 1 of .env is not NAME=value",
    b'A="secret\n': "line 1 of .env is not NAME=value",
    b'A="secret\\"\n': "line 1 of .env is not NAME=value",
    b'A= "secret\n': "line 1 of .env is not NAME=value",
    b"A='secret' 'c'\n": "line 1 of .env is not NAME=value",
    b"A=''secret''\n": "line 1 of .env is not NAME=value",
    b'A="""secret"""\n': "line 1 of .env is not NAME=value",
    b"A=\n'B'=secret\n": "line 2 of .env is not NAME=value",
    b"A=secret${NO:?x}\n": "line 1 of .env has a $ that names no variable",
    b"A=secret${NO\n": "line 1 of .env has a $ that names no variable",
    b"\xff\xfeA\x00=\x00b\x00\n\x00": "line 1 of .env is not UTF-8",
    # Compose reads something else than what was meant, or only warns.
    b"A=secret$b\n": "line 1 of .env has a $ that names no variable",
    b"A=${A}secret\n": "line 1 of .env has a $ that names no variable",
    b"A=${HOME:-secret}\n": "line 1 of .env has a $ that names no variable",
    b"A=${NO-secret}\n": "line 1 of .env has a $ that names no variable",
    b"A='b'secret\n": "line 1 of .env is not NAME=value",
    b'A="b" secret\nB=d\n': "line 1 of .env is not NAME=value",
    b"A='b' B=secret\n": "line 1 of .env is not NAME=value",
    b'A="secret"=y\n': "line 1 of .env is not NAME=value",
    b'A="secret\\0101"\n': "line 1 of .env is not NAME=value",
    b"secret\nB=c\n": "line 1 of .env is not NAME=value",
    b"export A\nB=c\n": "line 1 of .env is not NAME=value",
    b"=secret\n": "line 1 of .env is not NAME=value",
    b"export =secret\n": "line 1 of .env is not NAME=value",
    b"A-B=secret\n": "line 1 of .env is not NAME=value",
    b"A.B=secret\n": "line 1 of .env is not NAME=value",
    b"1A=secret\n": "line 1 of .env is not NAME=value",
    b"\xc3\xa7=secret\n": "line 1 of .env is not NAME=value",
    b"A=b\nB=secret\xe7\n": "line 2 of .env is not UTF-8",
    b"# \xe7\nA=b\n": "line 1 of .env is not UTF-8",
    b"A=b\nB=secret\x00c\n": "line 2 of .env has a control character",
}


def body(path: Path, content: bytes) -> Path:
    (path / ".env").write_bytes(content)
    return path / ".env"


@pytest.mark.parametrize(("content", "values"), READ.items(), ids=repr)
def test_a_line_has_the_value_that_compose_gives_it(tmp_path: Path, content: bytes, values: dict[str, str]) -> None:
    assert dotenv.read(body(tmp_path, content), OUTSIDE) == values


@pytest.mark.parametrize(("content", "message"), REFUSED.items(), ids=repr)
def test_a_line_that_cannot_be_read_is_named_by_its_number_and_never_told(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        dotenv.read(body(tmp_path, content), OUTSIDE)

    assert str(caught.value).startswith(message)
    assert "secret" not in str(caught.value)


def test_the_values_of_the_table_are_those_of_compose_itself(tmp_path: Path) -> None:
    """One service for each body, so that Compose is started once."""
    program = compose.program()
    if program is None:
        pytest.skip("Docker Compose is not installed")
    services = {f"s{number}": {"image": "none", "env_file": f"{number}.env"} for number in range(len(READ))}
    for number, content in enumerate(READ):
        (tmp_path / f"{number}.env").write_bytes(content)
    (tmp_path / "docker-compose.yml").write_text(json.dumps({"name": "table", "services": services}))

    command = [*program, "config", "--format", "json"]
    environment = OUTSIDE | {"PATH": os.environ["PATH"]}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)

    rendered = [json.loads(result.stdout)["services"][service].get("environment", {}) for service in services]
    of_compose = [{name: value.replace("$$", "$") for name, value in values.items()} for values in rendered]
    assert dict(zip(READ, of_compose, strict=True)) == READ


def test_without_a_file_there_are_no_variables(tmp_path: Path) -> None:
    assert dotenv.read(tmp_path / ".env", OUTSIDE) == {}


def test_a_file_that_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()

    with pytest.raises(ImproperlyConfigured, match=r"^\.env can't be read: Is a directory$"):
        dotenv.read(tmp_path / ".env", OUTSIDE)
