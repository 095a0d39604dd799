"""Every error of the HTTP interface as JSON, ours and aiohttp's alike: `{"error": {"code": "...", "message": "a sentence"}}`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from routing.ports import Ids

log = structlog.get_logger("http")

BODY_LIMIT = 64 * 1024
SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Server": "Hotline",  # aiohttp would give its version and Python's
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong with a request, at one of its fields or parameters."""

    field: str
    message: str


class ApiError(Exception):
    """What a handler raises: an HTTP status, a code for programs and a sentence for people; `problems` has them one by one, too."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None, problems: Sequence[FieldProblem] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.problems = problems


def error_response(error: ApiError, **more: str) -> web.Response:
    """The JSON of an error; `more` is added to it."""
    problems = {"problems": [asdict(problem) for problem in error.problems]} if error.problems else {}
    body = {"error": {"code": error.code, "message": error.message, **problems, **more}}
    return web.json_response(body, status=error.status, headers=error.headers)


def errors_as_json(ids: Ids) -> Middleware:
    """The outermost layer. A defect of ours is answered with an id only; the log has what happened under that id."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as error:
            return error_response(error)
        except web.HTTPException as error:
            return error_response(_translated(request, error))
        except Exception:
            id = ids.new("error")
            log.exception("http_request_failed", error=id, method=request.method, path=request.path)
            return error_response(ApiError(500, "internal", f"Hotline made a mistake here; the server's log has it under {id}."), id=id)

    return middleware


def _translated(request: web.Request, error: web.HTTPException) -> ApiError:
    """What aiohttp says, in our words."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return ApiError(405, "method_not_allowed", f"{request.path} takes {allowed}, not {request.method[:20]}.", {"Allow": allowed})
    if isinstance(error, web.HTTPNotFound):
        return ApiError(404, "not_found", "There is nothing at this address; GET /api lists what there is.")
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return ApiError(413, "too_large", f"A request's body may have {BODY_LIMIT} bytes at most.")
    code = error.reason.lower().replace(" ", "_").replace("-", "_")
    return ApiError(error.status, code, f"The request was refused: {error.reason}.")
