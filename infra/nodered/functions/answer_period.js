// An answer goes to the browser that asked, with the number of the question that it belongs to.
return {
  _client: { socketId: msg.topic.split('/').pop() },
  payload: { number: Number(msg.correlationData), answer: msg.payload }
}
