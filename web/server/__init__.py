"""What answers requests: POST /predict, which requests are let through, how much at once, uploads and headers.

demo.py puts it together.
"""
