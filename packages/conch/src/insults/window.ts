/** Windows on terminals: forms, lists and text in boxes (twisted.conch.insults.window). */
export { Border } from "./window/border.js";
export { Button } from "./window/button.js";
export { Canvas } from "./window/canvas.js";
export { ContainerWidget, type Place } from "./window/container.js";
export { cursor, horizontalLine, rectangle, verticalLine } from "./window/drawing.js";
export { AbsoluteBox, BOTTOM, CENTER, type Gravity, HBox, Packer, TOP, VBox } from "./window/layout.js";
export { ScrolledArea } from "./window/scrolled-area.js";
export { HorizontalScrollbar, type OnScroll, VerticalScrollbar } from "./window/scrollbar.js";
export { Selection } from "./window/selection.js";
export { BoundedTerminalWrapper, type Surface } from "./window/surface.js";
export { PasswordInput, TextInput } from "./window/text-input.js";
export { type LongLines, TextOutput, TextOutputArea, TRUNCATE, WRAP } from "./window/text-output.js";
export { TopWindow } from "./window/top-window.js";
export { Viewport } from "./window/viewport.js";
export { type SizeHint, Widget, YieldFocus } from "./window/widget.js";
