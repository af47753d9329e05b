"""Random small worlds: few characters, so that everything meets everything, and queries over them that all can be read."""

from __future__ import annotations

from hypothesis import strategies as st

from incidents.query import Fields

CHARACTERS = "雾霧岛茶虫蟲店a A Ａ7，。 -é\u0301"
SOURCES, PLATFORMS, AUTHORS = ("wb", "a-b c"), ("weibo", "小红书"), ("小满", "Li Lei")
SENTIMENTS = ("negative", "neutral", "positive")

texts = st.text(alphabet=CHARACTERS, max_size=14)
fields = st.builds(Fields, text=texts, title=st.one_of(st.just(""), texts), source=st.sampled_from(SOURCES), platform=st.sampled_from(PLATFORMS),
                   author=st.sampled_from((*AUTHORS, None)), sentiment=st.sampled_from((*SENTIMENTS, None)))
words = st.text(alphabet="雾霧岛茶虫店aＡ7", min_size=1, max_size=3)
phrases = st.one_of(words, st.builds('"{} {}"'.format, words, words), st.builds("“{}，{}”".format, words, words))
near = st.builds("{} NEAR/{} {}".format, phrases, st.integers(0, 4), phrases)
near_groups = st.builds("（{} OR {}） NEAR/{} {}".format, phrases, phrases, st.integers(0, 4), phrases)
filters = st.one_of(
    st.sampled_from(SOURCES).map('source:"{}"'.format), st.sampled_from(PLATFORMS).map("platform：{}".format),
    st.sampled_from(AUTHORS).map('作者："{}"'.format), st.sampled_from(SENTIMENTS).map("sentiment:{}".format),
    st.builds("title:{}".format, phrases), st.builds("title:({})".format, near_groups),
)
leaves = st.one_of(phrases, phrases, near, near_groups, filters)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} AND {})".format, inner, inner), st.builds("({} {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner), st.builds("({} NOT {})".format, inner, inner), st.builds("(-{} {})".format, phrases, inner),
    )


queries = st.recursive(leaves, _larger, max_leaves=7)
