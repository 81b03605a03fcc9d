// A live picture from the camera of a computer, and a photo from it.

async function startCamera(video) {
  try {
    const wanted = {facingMode: 'environment', width: {ideal: 1920}};
    video.srcObject = await navigator.mediaDevices.getUserMedia({video: wanted});
    await video.play();
    return true;
  } catch {
    return false;  // there is none, or the visitor or the browser said no
  }
}

function stopCamera(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

async function takePhoto(video) {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d').drawImage(video, 0, 0);
  const blob = await new Promise((done) => canvas.toBlob(done, 'image/jpeg', 0.92));
  return new File([blob], 'camera.jpg', {type: 'image/jpeg'});
}
