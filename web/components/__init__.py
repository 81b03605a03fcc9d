"""The components of the page: one folder each, with its Python, HTML, CSS and JavaScript.

Each component is a gr.HTML; component.py builds its options from the files in the folder. Scripts that several
components use are in shared/.
"""
