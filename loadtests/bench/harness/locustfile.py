"""One request after the other, without a pause, for the comparison of harnesses."""

import os

from locust import FastHttpUser, constant, task

path = os.environ.get("BENCH_PATH", "/")


class Bare(FastHttpUser):
    wait_time = constant(0)

    @task
    def get(self):
        self.client.get(path)
