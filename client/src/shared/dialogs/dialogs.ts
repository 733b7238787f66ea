/** All dialogs, in one file: what two files need, every page would load. */
export { PromoteDialog } from "../promotion/promote-dialog";
export { ReasonDialog } from "../ui/reason-dialog";
