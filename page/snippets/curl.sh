curl -sO http://127.0.0.1:7860/4079.png
printf '{"data": [{"url": "data:image/png;base64,%s"}]}' "$(base64 < 4079.png | tr -d '\n')" |
  curl -s http://127.0.0.1:7860/gradio_api/run/predict -H 'Content-Type: application/json' -d @-
