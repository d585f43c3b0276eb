"""Pure: one spelling for every address of a page, so that a crawl meets each page once.

Knows the syntax of URLs; opens nothing.
"""

import re
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

LONGEST_URL = 2_000
_DEFAULT_PORTS = {"https": 443, "http": 80}
_TRACKING = re.compile(
    r"(?:utm_\w+|\w*clid|mc_[ce]id|_ga|_gl|_hs\w+|PHPSESSID|jsessionid|sessionid|ref_src)(?:=|$)", re.I
)
_SESSION_IN_PATH = re.compile(r";(?:jsessionid|phpsessid)=[^/;]*", re.I)
_SAFE = "!$%&'()*+,-./:;=@_~"
_INDEX = re.compile(r"(?:^|(?<=/))(?:index|default)\.(?:html?|xhtml|php)$", re.I)
_OTHER_FORMATS = frozenset(
    "7z aac avi bib bz2 c cpp css csv docx doc eot epub exe gif gz h h5 ico ics ipynb jar java jpeg jpg js json m4a"
    " m4v md mkv mov mp3 mp4 npy npz odp ods odt ogg ogv parquet pickle pkl png pps ppt pptx ps pt py r rar rss svg"
    " tar tex tgz tif tiff tsv ttf txt wav webm webp whl woff woff2 xls xlsx xml xz yaml yml zip".split()
)
_PAGE_ENDINGS = (".html", ".htm", ".xhtml")


def canonical_url(reference: str, base: str = "", http_hosts: frozenset[str] = frozenset()) -> str | None:
    """The absolute https URL that a reference on the page `base` means; None for what is none.

    Without fragment, default port, tracking parameters and dot segments, parameters sorted. `http` becomes
    `https`, except for `http_hosts`: old links to the same site are kept and nothing is sent in the clear.
    """
    try:
        parts = urlsplit(urljoin(base, re.sub(r"[\t\r\n]", "", reference.strip())))
        place = _place(parts)
        scheme = "http" if parts.scheme == "http" and place in http_hosts else "https"
        path = re.sub(r"%2e", ".", _SESSION_IN_PATH.sub("", parts.path), flags=re.I)
        path = urlsplit(urljoin("https://x/", "/" + path.lstrip("/"))).path or "/"
        kept = sorted(p for p in parts.query.split("&") if p and not _TRACKING.match(p))
        query = f"?{quote('&'.join(kept), safe=_SAFE + '?')}" if kept else ""
        url = f"{scheme}://{place}{quote(path, safe=_SAFE)}{query}"
    except (ValueError, UnicodeError):
        return None
    return url if len(url) <= LONGEST_URL else None


def _place(parts: SplitResult) -> str:
    """Host, and port if it is not the scheme's own. Raises ValueError where nothing may be fetched."""
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        raise ValueError("no address of a page")
    place = f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")
    if not re.fullmatch(r"[\w.-]+|\[[0-9a-f:.]+\]", place):
        raise ValueError("no host name")
    return place if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{place}:{parts.port}"


def host_of(url: str) -> str:
    """Host, and port where it is not the scheme's own, of a canonical URL."""
    return urlsplit(url).netloc


def path_of(url: str) -> str:
    """Path and query of a canonical URL, as robots.txt rules name them."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def folder_of(url: str) -> str:
    """A canonical URL up to the last slash of its path."""
    return urljoin(url, ".")


def is_pdf(url: str) -> bool:
    """Whether an address looks like that of a PDF."""
    return urlsplit(url).path.lower().endswith(".pdf")


def is_page_like(url: str) -> bool:
    """Whether an address may be that of a page or PDF: not a picture, archive or data file by its ending."""
    name = urlsplit(url).path.rsplit("/", 1)[-1]
    return "." not in name or name.rsplit(".", 1)[1].lower() not in _OTHER_FORMATS


def page_key(url: str) -> str:
    """Equal for addresses that name the same page: `/a`, `/a/` and `/a/index.html`."""
    base, _, query = url.partition("?")
    return f"{_INDEX.sub('', base).rstrip('/')}?{query}"


def page_path(url: str, folder: str, is_pdf: bool) -> str:
    """A page's path inside its source: relative to the start's folder, with an ending that names its format.

    Pages of another host, or from outside the folder, keep their whole address but the scheme.
    """
    base, _, query = page_key(url).partition("?")
    inside = f"{base}/".startswith(folder)
    base = base[len(folder) :] if inside else base.split("://", 1)[1]
    path = "/".join(map(_readable, base.strip("/").split("/")))
    ending = ".pdf" if is_pdf else ".html"
    if query:
        return f"{path}?{quote(query, safe='=&%+-._~')}{ending}"
    if is_pdf:
        return path if path.lower().endswith(ending) else f"{path}{ending}"
    return path if path.lower().endswith(_PAGE_ENDINGS) else f"{path}/index.html".lstrip("/")


def _readable(segment: str) -> str:
    """A path segment with its percent signs resolved, unless that would give it another meaning."""
    plain = unquote(segment)
    is_name = plain not in ("", ".", "..") and not re.search(r"[/\\\x00-\x1f\x7f]", plain)
    return plain if is_name and "\ufffd" not in plain else segment
