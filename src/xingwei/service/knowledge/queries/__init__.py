"""Reading the knowledge room: what an actor may read, what helps with a text, what is stale."""

from .forum import posts_of, topics_matching
from .guides import (
    matching,
    newest,
    pictures_of,
    readable,
    related,
    rendered,
    search,
    stale_before,
    suggest,
)

__all__ = [
    "matching",
    "newest",
    "pictures_of",
    "posts_of",
    "readable",
    "related",
    "rendered",
    "search",
    "stale_before",
    "suggest",
    "topics_matching",
]
