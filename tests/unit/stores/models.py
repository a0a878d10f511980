"""Models for the tests of typed stores."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_serializer


class Status(Enum):
    DRAFT = "draft"
    PUBLISHED = "published"


class Rank(IntEnum):
    LOW = 1
    HIGH = 9


class Author(BaseModel):
    name: str
    born: date | None = None


class Book(BaseModel):
    kind: Literal["book"] = "book"
    pages: int


class Talk(BaseModel):
    kind: Literal["talk"] = "talk"
    length: timedelta


class Paper(BaseModel):
    """One field of each sort."""

    title: str
    published_at: datetime = Field(alias="publishedAt")
    status: Status
    rank: Rank = Rank.LOW
    price: Decimal
    key: UUID
    day: date
    authors: list[Author] = []
    labels: frozenset[str] = frozenset()
    pair: tuple[int, str] | None = None
    by_day: dict[date, int] = {}
    by_number: dict[int, datetime] = {}
    form: Annotated[Book | Talk, Field(discriminator="kind")] = Book(pages=1)
    note: str | None = None


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    count: int = Field(ge=0)
    at: datetime | None = None
    status: Status = Status.DRAFT
    price: Decimal = Decimal("0.10")


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")

    name: str = ""


class Hidden(BaseModel):
    password: SecretStr


class Shown(BaseModel):
    password: SecretStr

    @field_serializer("password")
    def _write(self, password: SecretStr) -> str:
        return password.get_secret_value()


class Anything(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    value: Any = None


STORES: dict[str, Any] = {
    "papers": {"kind": "doc", "indexes": ["publishedAt"]},
    "chunks": {"kind": "vector", "dimensions": 2},
}
SECRET = "hunter2"


def paper(number: int = 0, **fields: Any) -> Paper:
    values: dict[str, Any] = {
        "title": f"Paper {number}",
        # In zones that alternate, so that texts in the given zone would sort otherwise.
        "publishedAt": datetime(2024, 1, 1 + number, tzinfo=timezone(timedelta(hours=-number))),
        "status": Status.PUBLISHED,
        "price": Decimal("1.50"),
        "key": UUID(int=number),
        "day": date(2024, 5, 1),
    }
    return Paper.model_validate(values | fields)


FULL = paper(
    3,
    rank=Rank.HIGH,
    authors=[Author(name="Ada", born=date(1815, 12, 10)), Author(name="anon")],
    labels=frozenset({"x", "y"}),
    pair=(1, "one"),
    by_day={date(2024, 5, 1): 1},
    by_number={7: datetime(2024, 1, 1, tzinfo=UTC)},
    form=Talk(length=timedelta(minutes=3)),
    note="\U0001f600 'quoted'",
)
