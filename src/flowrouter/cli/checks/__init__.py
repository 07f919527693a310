"""What `flow-router doctor` looks at: each module examines one thing and returns findings.

`machine` (program, data folder, key, store), `listening` (configuration, port, bind), `accounts`
(each provider, over the network). Nothing here changes anything; `finding` is what they return.
"""

from flowrouter.cli.checks.finding import Finding, Status

__all__ = ["Finding", "Status"]
