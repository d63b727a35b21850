"""All tables together, as migrations lead to them: a new file of tables is a line here."""

from __future__ import annotations

from feilun.storage.tables import customer_service, opinion_words, public_opinion, recommendation, service
from feilun.storage.tables.schema import metadata

__all__ = ["customer_service", "metadata", "opinion_words", "public_opinion", "recommendation", "service"]
