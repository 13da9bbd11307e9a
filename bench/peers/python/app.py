"""
Peer (a): the service as a Python team would write it. uvicorn runs two workers of it:

    BUNDLE_DIR=… REDIS_URL=… COUNTS=blobs|hashes PYTHONPATH=models uvicorn --app-dir bench/peers/python --factory app:create --workers 2

The body is parsed by orjson and not validated by pydantic, which would cost more than everything else here.
"""

import os
from pathlib import Path

import orjson
from fastapi import FastAPI, Request, Response
from redis.asyncio import Redis

from prerank import Prerank


def create() -> FastAPI:
    redis = Redis.from_url(os.environ["REDIS_URL"])
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
