"""The style sheet and scripts: the only answers that a browser may keep."""

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope


class DeskStaticFiles(StaticFiles):
    """Files asked for by their content's hash never change; others are asked for again each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with how long it may be kept."""
        response = await super().get_response(path, scope)
        named_by_content = scope.get("query_string", b"").startswith(b"v=")
        response.headers["Cache-Control"] = "max-age=31536000, immutable" if named_by_content else "no-cache"
        return response
