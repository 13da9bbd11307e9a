"""
Peer (a): the service as a Python team would write it. uvicorn runs two workers of it:

    BUNDLE_DIR=… REDIS_URL=… COUNTS=blobs|hashes PYTHONPATH=models uvicorn --app-dir bench/peers/python --factory app:create --workers 2

The body is parsed by orjson and not validated by pydantic, which would cost more than everything else here.
"""

import os
from pathlib import Path

import hiredis
import orjson
from fastapi import FastAPI, Request, Response
from redis.asyncio import Connection, ConnectionPool, Redis

from prerank import Prerank


class PackedConnection(Connection):
    """redis-py packs commands with hiredis only in its blocking client; an HMGET of 100k fields needs it in this one too."""

    def pack_command(self, *args) -> list[bytes]:
        return [hiredis.pack_command(args)]


def connect(url: str) -> Redis:
    """Without the time limit of 5 s: under load, hashes of 100k candidates take longer, and an error is no measurement."""
    return Redis(connection_pool=ConnectionPool.from_url(url, connection_class=PackedConnection, socket_timeout=None))


def create() -> FastAPI:
    redis = connect(os.environ["REDIS_URL"])
    serving = Prerank(Path(os.environ["BUNDLE_DIR"]), redis=redis, layout=os.environ["COUNTS"])
    app = FastAPI(openapi_url=None)

    @app.get("/healthz")
    async def healthz() -> Response:
        return Response()

    @app.post("/v1/prerank")
    async def prerank(request: Request) -> Response:
        answer = await serving.answer(orjson.loads(await request.body()))
        return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")

    return app
