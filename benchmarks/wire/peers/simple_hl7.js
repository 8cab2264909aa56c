// simple-hl7 that acknowledges what it gets and does nothing else.
const hl7 = require("simple-hl7");
const app = hl7.tcp();
app.use((request, response) => response.end());
app.start(Number(process.argv[2]));
