import { type FormEvent, type ReactNode, useId, useRef, useState } from "react";
import { useModal } from "../hooks/useModal";
import { toProblem } from "../conversation/problem";

interface Props {
  title: string;
  action: string;
  isDangerous?: boolean;
  /** Does what the dialog is for. What it throws is shown, and the dialog stays. */
  onConfirm: () => Promise<void>;
  onClose: () => void;
  children: ReactNode;
}

/** A question that must be answered first. The browser keeps the focus inside, and gives it back afterwards. */
export function Dialog({ title, action, isDangerous, onConfirm, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const [isWorking, setWorking] = useState(false);
  const [problem, setProblem] = useState<string>();

  useModal(dialog);

  const confirm = async (event: FormEvent) => {
    event.preventDefault();
    setWorking(true);
    try {
      await onConfirm();
      onClose();
    } catch (error) {
      setProblem(toProblem(error).message);
      setWorking(false);
    }
  };
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={heading} onCancel={onClose}>
      <form onSubmit={confirm}>
        <h2 id={heading}>{title}</h2>
        {children}
        {problem && (
          <p role="alert" className="error-text">
            {problem}
          </p>
        )}
        <div className="actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className={isDangerous ? "danger" : "primary"} disabled={isWorking}>
            {action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
