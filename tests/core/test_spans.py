from feilun.core.spans import Span


def test_a_span_is_shown_as_what_it_is_and_where():
    assert str(Span(3, 7, "company")) == "company 3–7"
