// The live picture of a computer's camera, and photos taken from it.

/**
 * Show the camera's live picture.
 * @param {HTMLVideoElement} video
 * @returns {Promise<boolean>} false if there is no camera, or the visitor or the browser denies access
 */
async function startCamera(video) {
  try {
    const constraints = {facingMode: 'environment', width: {ideal: 1920}};
    video.srcObject = await navigator.mediaDevices.getUserMedia({video: constraints});
    await video.play();
    return true;
  } catch {
    return false;
  }
}

/** Turn the camera off. @param {HTMLVideoElement} video */
function stopCamera(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

/**
 * Return the current picture of the camera as a JPEG file.
 * @param {HTMLVideoElement} video
 * @returns {Promise<File>}
 */
async function takePhoto(video) {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d').drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.92));
  return new File([blob], 'camera.jpg', {type: 'image/jpeg'});
}
