"""A worker as a process of its own, to be killed: takes events, records a placeholder, and keeps them.

    intake_worker.py REDIS_URL CONSUMER LEASE SLOTS [at-once]

Says `took TEXT ATTEMPT PLACEHOLDER` on stdout. With `at-once` it ends each event at once, and adds its text to
the list `answered`; else when a line comes in on stdin. SIGTERM: takes no more, and goes when the last has ended.
"""

import asyncio
import contextlib
import signal
import sys

from bot.adapters.redis_client import connect
from bot.adapters.redis_intake import RedisIntake
from bot.errors import ClaimLost
from bot.intake import Delivery


def say(*words: object) -> None:
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


class Worker:
    def __init__(self, url: str, consumer: str, lease: float, slots: int, at_once: bool) -> None:
        self.client = connect(url)
        self.intake = RedisIntake(self.client, lease=lease, rests=())
        self.consumer, self.slots = consumer, asyncio.Semaphore(slots)
        self.at_once, self.may_end, self.stopping = at_once, asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stopping.set)
        loop.add_reader(sys.stdin, self.may_end.set)
        say("ready")
        async with asyncio.TaskGroup() as under_way:
            while not self.stopping.is_set():
                await self.slots.acquire()
                taken = await self.intake.take(self.consumer, wait=0.1)
                if taken is None:
                    self.slots.release()
                elif self.stopping.is_set():
                    await self.intake.release(taken)
                else:
                    under_way.create_task(self.work_on(taken))
            say("stopping")
        await self.intake.leave(self.consumer)
        await self.client.aclose()
        say("left")

    async def work_on(self, delivery: Delivery) -> None:
        with contextlib.suppress(ClaimLost):
            say("took", delivery.incoming.text, delivery.attempt, delivery.progress.placeholder or "-")
            if not delivery.progress.placeholder:
                delivery = await self.intake.record(delivery, placeholder=f"from-{self.consumer}")
            renewing = asyncio.create_task(self.keep(delivery))
            if not self.at_once:
                say("recorded", delivery.incoming.text)
                await self.may_end.wait()
            await self.client.rpush("answered", delivery.incoming.text)
            renewing.cancel()
            await self.intake.done(delivery)
            say("ended", delivery.incoming.text)
        self.slots.release()

    async def keep(self, delivery: Delivery) -> None:
        while True:
            await asyncio.sleep(self.intake.lease / 3)
            await self.intake.renew(delivery)


if __name__ == "__main__":
    address, name, seconds, most, *how = sys.argv[1:]

    async def main() -> None:
        await Worker(address, name, float(seconds), int(most), how == ["at-once"]).run()

    asyncio.run(main())
