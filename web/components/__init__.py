"""What visitors see, a folder for each component: its Python, HTML, CSS and JavaScript.

Each is a gr.HTML; component.py makes one of its files. What several use is in shared/.
"""
