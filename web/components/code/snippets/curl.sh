curl -sO http://127.0.0.1:7860/4079.png
curl -s http://127.0.0.1:7860/predict --data-binary @4079.png
