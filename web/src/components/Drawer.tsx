import { type ReactNode, useRef } from "react";
import { useModal } from "../hooks/useModal";
import { Icon } from "./Icon";

/** The list of conversations on a narrow screen. Esc and a tap outside close it. */
export function Drawer({ onClose, children }: { onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useModal(dialog);
  return (
    <dialog
      ref={dialog}
      className="drawer"
      aria-label="Conversations"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <button type="button" className="quiet close" aria-label="Close conversations" title="Close" onClick={onClose}>
        <Icon name="close" />
      </button>
      {children}
    </dialog>
  );
}
