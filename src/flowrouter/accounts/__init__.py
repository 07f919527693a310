"""Credentials of upstream accounts: the account value and the vault that seals its secrets.

`account` is the value a configuration snapshot carries; `vault` turns secrets into sealed blobs
and back. Neither touches a database.
"""

from flowrouter.accounts.account import Account, AccountView, Secret, merge, view
from flowrouter.accounts.vault import UnsealError, Vault

__all__ = ["Account", "AccountView", "Secret", "UnsealError", "Vault", "merge", "view"]
