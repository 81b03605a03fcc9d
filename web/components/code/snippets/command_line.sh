curl -sO http://127.0.0.1:7860/4079.png
python -m digits 4079.png
