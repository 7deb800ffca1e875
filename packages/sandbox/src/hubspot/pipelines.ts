// The one pipeline that deals and tickets each have in a new account, and its stages.

import { type Holds, type Option, option } from "./property.js";

interface Stage extends Option {
  readonly closed: boolean;
  /** That a deal in this stage is won. */
  readonly probability: string;
}

export interface Pipeline extends Option {
  readonly stages: readonly Stage[];
}

export const sales: Pipeline = {
  ...option("default", "Sales Pipeline"),
  stages: [
    open("appointmentscheduled", "Appointment Scheduled", "0.2"),
    open("qualifiedtobuy", "Qualified To Buy", "0.4"),
    open("presentationscheduled", "Presentation Scheduled", "0.6"),
    open("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    open("contractsent", "Contract Sent", "0.9"),
    closed("closedwon", "Closed Won", "1"),
    closed("closedlost", "Closed Lost", "0"),
  ],
};

export const support: Pipeline = {
  ...option("0", "Support Pipeline"),
  stages: [
    open("1", "New", "0"),
    open("2", "Waiting on contact", "0"),
    open("3", "Waiting on us", "0"),
    closed("4", "Closed", "0"),
  ],
};

export function pipelineOf(...pipelines: readonly Pipeline[]): Holds {
  return { kind: "pipeline", options: pipelines };
}

export function stageOf(...pipelines: readonly Pipeline[]): Holds {
  return { kind: "pipeline", options: pipelines.flatMap(({ stages }) => stages) };
}

function open(value: string, label: string, probability: string): Stage {
  return { value, label, closed: false, probability };
}

function closed(value: string, label: string, probability: string): Stage {
  return { value, label, closed: true, probability };
}
