/** A form on a terminal: fields, a list and buttons, between which Tab moves. */
import { privateModes, TerminalProtocol } from "@strombus/conch/insults/insults";
import {
  Border,
  Button,
  HBox,
  PasswordInput,
  Selection,
  TextInput,
  TextOutput,
  TopWindow,
  VBox,
  type Widget,
  YieldFocus,
} from "@strombus/conch/insults/window";
import { reactor } from "@strombus/reactor";

const COLORS = ["red", "orange", "yellow", "green", "blue", "violet"];
const LENGTH = 20; // characters of a name or a password

export class Form extends TerminalProtocol {
  #width = 80;
  #height = 24;
  readonly #window = new TopWindow(
    () => this.#window.draw(this.#width, this.#height, this.terminal),
    (paint) => reactor.callLater(0, paint),
  );
  readonly #name = new TextInput(LENGTH, next);
  readonly #password = new PasswordInput(LENGTH, next);
  readonly #color = new Selection(COLORS, next, 3);
  readonly #message = new TextOutput();

  override connectionMade() {
    this.terminal.reset();
    this.terminal.resetPrivateModes([privateModes.CURSOR_MODE]); // the fields show their own
    const buttons = new HBox();
    buttons.addChild(new Border(new Button(" Sign up ", () => this.#signUp())));
    buttons.addChild(new Border(new Button(" Leave ", () => this.terminal.loseConnection())));
    const rows = new VBox();
    rows.addChild(labelled("Name", this.#name));
    rows.addChild(labelled("Password", this.#password));
    rows.addChild(labelled("Color", new Border(this.#color)));
    rows.addChild(buttons);
    rows.addChild(this.#message);
    this.#window.addChild(rows);
    this.#message.setText("Tab moves on, Return chooses, Ctrl-D leaves.");
  }

  override terminalSize(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.terminal.eraseDisplay();
    this.#window.filthy();
    this.#window.repaint();
  }

  override keystrokeReceived(keyID: string, modifier: string | null) {
    if (keyID === "\x03" || keyID === "\x04") return this.terminal.loseConnection();
    return this.#window.keystrokeReceived(keyID, modifier);
  }

  #signUp() {
    const isGood = this.#name.buffer !== "" && this.#password.buffer.length >= 8;
    const color = COLORS[this.#color.focusedIndex]!;
    this.#message.setText(
      isGood ? `Welcome ${this.#name.buffer}, you are ${color}.` : "A name, please, and 8 characters of a password.",
    );
  }
}

/** As Tab does. */
function next(): never {
  throw new YieldFocus();
}

function labelled(label: string, widget: Widget): HBox {
  const row = new HBox();
  const text = new TextOutput([10, 1]);
  text.setText(label);
  row.addChild(text);
  row.addChild(widget);
  return row;
}
