"""What coding agents rely on: sessions recorded from Claude Code and Codex, played through a running gateway.

`recorded` holds what the programs themselves sent, with short stand-ins for their instructions and without
anything of the machine they ran on; `sessions` plays them on, a turn at a time, as the agents do.
"""
