"""What it cost: list prices, those of the owner, and the bill of one exchange.

`rates` reads the price lists that come with the package (`rates.json`, made by `tools/prices.py`);
`pricing` finds the price of a model at a provider and computes bills. Amounts are integer pico-USD
(10⁻¹² USD), None is unknown and never zero. Nothing here does I/O but read that one file.
"""

from flowrouter.usage.pricing import FREE, Price, Prices
from flowrouter.usage.rates import RateFile, packaged

__all__ = ["FREE", "Price", "Prices", "RateFile", "packaged"]
