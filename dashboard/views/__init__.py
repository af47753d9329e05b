"""One file for each page; Streamlit runs them, nobody imports them."""
