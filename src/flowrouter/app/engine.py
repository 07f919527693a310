"""What answers a request: the choice of targets, their pauses and places, and the pipeline through them."""

from __future__ import annotations

import asyncio

from flowrouter import logs
from flowrouter.app.ground import Ground
from flowrouter.app.quotas import fetching
from flowrouter.config import Config
from flowrouter.gateway.admission import Admission
from flowrouter.gateway.affinity import Pins
from flowrouter.gateway.attempts import Attempts
from flowrouter.gateway.beside import Beside
from flowrouter.gateway.bills import Bills
from flowrouter.gateway.budgets import Budgets
from flowrouter.gateway.compaction import Compaction
from flowrouter.gateway.completion import Completion
from flowrouter.gateway.cooldowns import Cooldowns
from flowrouter.gateway.first_token import FirstTokenLimits
from flowrouter.gateway.health import Health
from flowrouter.gateway.hedging import Hedges
from flowrouter.gateway.limits import Limits
from flowrouter.gateway.pause_book import marker
from flowrouter.gateway.pictures import Pictures
from flowrouter.gateway.pipeline import Pipeline
from flowrouter.gateway.planner import Planner
from flowrouter.gateway.privacy import Privacy
from flowrouter.gateway.probes import Probes
from flowrouter.gateway.purses import Purses
from flowrouter.gateway.quota_states import QuotaStates
from flowrouter.gateway.quotas import Quotas
from flowrouter.gateway.reasoning import ReasoningState
from flowrouter.gateway.recall import Recall
from flowrouter.gateway.recording import Recorder
from flowrouter.gateway.relay import Relay
from flowrouter.gateway.search import Search
from flowrouter.gateway.settle import Books
from flowrouter.gateway.signals import Sources
from flowrouter.gateway.stored_responses import StoredResponses
from flowrouter.gateway.target_states import TargetStates
from flowrouter.gateway.tries import Tries
from flowrouter.storage import (
    MemoryStateStore,
    RecordingWriter,
    StoredBudgetBook,
    StoredPauses,
    StoredSealedBlobs,
    machine_name,
)


class Engine(Ground):
    """The ground, and the parts of the one path on it."""

    def __init__(self, config: Config, *, worker: int = 0) -> None:
        super().__init__(config, worker=worker)
        self.recordings = RecordingWriter(
            self.store.place, self.store.vault, clock=self.clock, longest_days=config.retention.days
        )
        self.health = Health(self.clock)
        self.bills = Bills(self._world, clock=self.clock)
        self.admission = Admission(self.state, tasks=self.tasks)
        self.beside = Beside()
        self.limits = Limits(
            self.state, alone=MemoryStateStore(self.clock), clock=self.clock, tasks=self.tasks
        )
        self.budgets = Budgets(
            Purses(
                StoredBudgetBook(self.store.place),
                clock=self.clock,
                tasks=self.tasks,
                node=f"{machine_name(self.store)}/{worker}",
            ),
            bills=self.bills,
            state=self.state,
            clock=self.clock,
            tasks=self.tasks,
        )
        self.pins = Pins(self.state, clock=self.clock, tasks=self.tasks)
        mark = marker(self.store.vault.subkey("pauses"))
        self.quotas = Quotas(world=self._world, mark=mark, clock=self.clock)
        self.cooldowns = Cooldowns(
            self.state,
            kept=StoredPauses(self.store.place, clock=self.clock),
            world=self._world,
            mark=mark,
            quotas=self.quotas,
            clock=self.clock,
            tasks=self.tasks,
            log=self.log,
        )
        self.planner = Planner(
            self.state,
            self.pins,
            sources=Sources(
                health=self.health,
                admission=self.admission,
                obstacle=self.cooldowns.obstacle,
                bills=self.bills,
            ),
            privacy=Privacy(Compaction(self.store.vault)),
            clock=self.clock,
        )
        self.target_states = TargetStates(self.health, self.cooldowns, self.admission, world=self._world)
        self.quota_fetch = fetching(self, self.quotas)
        self.quota_states = QuotaStates(self.quotas, self.quota_fetch, clock=self.clock)
        self.hedges = Hedges(tasks=self.tasks, clock=self.clock, quantile=self.health.first_token_quantile)

    def _books(self) -> Books:
        return Books(
            self.writer,
            clock=self.clock,
            hooks=self.hooks,
            bills=self.bills,
            observers=(self.health.settled, self.pins.settled, self.hedges.settled, self.quotas.settled),
            access=logs.get("access") if self.config.logs.access else None,
            soon=lambda enter: asyncio.get_running_loop().call_soon(enter),
        )

    def _build_tries(self, recall: Recall) -> Tries:
        config, clock = self.config, self.clock
        self.attempts = Attempts(
            self.transport,
            clock=clock,
            timeouts=config.timeouts,
            hooks=self.hooks,
            reasoning=ReasoningState(self.store.vault),
            state=self.state,
            recall=recall,
            beside=self.beside,
            credentials=self.credentials,
            quotas=self.quotas,
        )
        if config.egress.pictures == "fetch":
            self.attempts.pictures = Pictures(self.outside)
        return Tries(
            self.attempts,
            self.admission,
            limits=FirstTokenLimits(self.health.first_token_quantile),
            hedges=self.hedges,
            clock=clock,
            timeouts=config.timeouts,
        )

    def _build_pipeline(self, blobs: StoredSealedBlobs, stored: StoredResponses) -> Pipeline:
        config, clock = self.config, self.clock
        recall = Recall(
            self.state,
            blobs,
            secret=self.store.vault.subkey("reasoning recall"),
            clock=clock,
            tasks=self.tasks,
        )
        tries = self._build_tries(recall)
        relay = Relay(
            self.attempts,
            recall=recall,
            stored=stored,
            clock=clock,
            completion=Completion(
                tries,
                clock=clock,
                world=self._world,
                failed=self.cooldowns.heard,
                pauses=self.cooldowns.obstacle,
            ),
        )
        books = self.books = self._books()
        self.probes = Probes(
            self.cooldowns,
            tries=tries,
            relay=relay,
            books=books,
            world=self._world,
            clock=clock,
            timeouts=config.timeouts,
            tasks=self.tasks,
            log=self.log,
        )
        return Pipeline(
            world=self._world,
            planner=self.planner,
            search=Search(
                tries=tries, relay=relay, cooldowns=self.cooldowns, clock=clock, wait=config.timeouts.wait
            ),
            stored=stored,
            limits=self.limits,
            budgets=self.budgets,
            books=books,
            recorder=Recorder(self.recordings, clock=clock),
            hooks=self.hooks,
            log=self.log,
        )


__all__ = ["Engine"]
