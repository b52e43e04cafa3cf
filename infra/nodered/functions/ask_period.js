// A question about a period goes to the worker, with the way back to the browser that asked.
const browser = msg._client.socketId
const { number, ...question } = msg.payload
return {
  responseTopic: `ev/answers/nodered/period/${browser}`,
  correlationData: Buffer.from(String(number)),
  payload: question
}
