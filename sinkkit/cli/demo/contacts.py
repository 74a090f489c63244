"""Made-up contacts with what makes rows hard: nested values, accents, dates, amounts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

HOW_MANY = 5_000

FIRST = ("Zoë", "Tomás", "Aiko", "Brigid", "Małgorzata", "Jürgen", "Amélie", "Nuria", "Søren", "Ngọc", "José", "Ada")
LAST = ("Lindqvist", "Ferreira", "Tanaka", "O'Shea", "Nowak", "Groß", "Dubois", "Peña", "Østergård", "Trần", "Smith")
CITIES = ("Malmö", "Porto", "京都", "Galway", "Łódź", "Köln", "Besançon", "Logroño", "Ålborg", "Huế")
EPOCH = datetime(2026, 1, 1, 8, 30, tzinfo=UTC)


def contacts(count: int = HOW_MANY) -> Iterator[dict[str, Any]]:
    """*count* contacts, the same each time, numbered from 1."""
    for number in range(1, count + 1):
        first, last = FIRST[number % len(FIRST)], LAST[number % len(LAST)]
        yield {
            "id": number,
            "name": f"{first} {last}",
            "email": f"contact.{number}@example.com",
            "address": {"city": CITIES[number % len(CITIES)], "tags": ["customer", f"region-{number % 7}"]},
            "born": date(1950, 1, 1) + timedelta(days=number % 18_000),
            "last_order": EPOCH + timedelta(minutes=number),
            "orders": [{"sku": f"A-{number % 90}", "price": (number % 5_000) / 100}] * (number % 3),
        }
