"""Static files under names that carry their digest, compressed; the packages' source maps are left out."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage

_CSS_URLS = CompressedManifestStaticFilesStorage.patterns[0][1][:2]  # url(…) and @import, not sourceMappingURL


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    patterns = (("*.css", _CSS_URLS),)
