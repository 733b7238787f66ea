import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Field,
  Textarea,
} from "@fluentui/react-components";
import { useState } from "react";
import { Prose } from "./prose";

const LONGEST = 500; // characters; the server's limit

type ReasonDialogProps = {
  /** The dialog stays in the tree: taken away while open, it would leave the page inert. */
  isOpen: boolean;
  words: { title: string; text: string; reason: string; confirm: string; back: string };
  busy: boolean;
  error: Error | null;
  onClose: () => void;
  onConfirm: (reason: string) => void;
};

export function ReasonDialog({
  isOpen,
  words,
  busy,
  error,
  onClose,
  onConfirm,
}: ReasonDialogProps) {
  const [reason, setReason] = useState("");
  return (
    <Dialog open={isOpen} onOpenChange={(_, { open }) => !open && onClose()}>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{words.title}</DialogTitle>
          <DialogContent>
            <p>{words.text}</p>
            <Field label={words.reason} validationMessage={error && <Prose>{error.message}</Prose>}>
              <Textarea
                value={reason}
                maxLength={LONGEST}
                onChange={(_, { value }) => setReason(value)}
              />
            </Field>
          </DialogContent>
          <DialogActions>
            <Button onClick={onClose}>{words.back}</Button>
            <Button
              appearance="primary"
              disabledFocusable={busy}
              onClick={() => onConfirm(reason.trim())}
            >
              {words.confirm}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
