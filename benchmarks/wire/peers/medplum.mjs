// @medplum/hl7 that acknowledges what it gets and does nothing else.
import { Hl7Server } from "@medplum/hl7";
const server = new Hl7Server((connection) => {
  connection.addEventListener("message", ({ message }) => connection.send(message.buildAck()));
});
server.start(Number(process.argv[2]));
