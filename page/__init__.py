"""What the page is built of: the pad, the answer, the bars, the figures, the code, the endpoint's image and its answer,
the texts and the look.

Each component is a gr.HTML with its HTML, CSS and JavaScript in files beside it. How they hang together on the page
stands in demo.py; nothing here knows the reader's network.
"""
