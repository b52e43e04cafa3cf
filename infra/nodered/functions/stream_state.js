// One message says how the stream is doing: what the worker said last, and whether the broker can
// be heard at all. A browser that comes later gets the same message.
if (msg.status) {
  context.set('is_connected', msg.status.fill === 'green')
} else {
  context.set('worker', msg.payload)
}
return {
  payload: {
    is_connected: context.get('is_connected') ?? false,
    worker: context.get('worker') ?? null
  }
}
