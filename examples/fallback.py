"""A shop window that goes on showing prices while the service that makes them is away.

Run it: python examples/fallback.py

While all is well, each price is remembered. When the service fails, the last good price answers if it is fresh enough,
then a second service is asked, and if that fails too, there is a plain text. The page never fails, and the counts tell
what it was made of.
"""

from __future__ import annotations

from holdfast import Fallback, FallbackConfig, Instead, LastGood, with_fallback

SERVICE = {"is up": True, "catalogue is up": True}


def list_price(article: str) -> str:
    """Ask the printed catalogue, which knows fewer articles."""
    if not SERVICE["catalogue is up"]:
        raise ConnectionRefusedError
    return {"anchor": "80.00 (list price)"}[article]


prices = Fallback(
    FallbackConfig(
        name="prices",
        last_good=LastGood(max_age=600, max_keys=10_000),
        answer=Instead(list_price),
        value="ask at the counter",
        on_fallback=lambda error: print(f"  ({type(error).__name__}, answered for)"),
    )
)


@with_fallback(prices)
def price(article: str) -> str:
    if not SERVICE["is up"]:
        raise ConnectionResetError
    return {"kelp": "3.50", "anchor": "75.00", "rope": "12.00"}[article]


def main() -> None:
    print(f"kelp: {price('kelp')}")
    SERVICE["is up"] = False
    print("the price service is away")
    print(f"kelp: {price('kelp')}")
    print(f"anchor: {price('anchor')}")
    SERVICE["catalogue is up"] = False
    print("the catalogue is away too")
    print(f"rope: {price('rope')}")
    metrics = prices.metrics
    print(f"answered for {metrics.answered} failures: {dict(metrics.by_kind)}")


if __name__ == "__main__":
    main()
