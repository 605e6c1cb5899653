"""The example company's conversations, as scripts: its people, code and figures are made up."""

from gateway.simulated.stories.code import LATENCY, MIGRATION, REVIEW, TERRAFORM, WEBHOOK
from gateway.simulated.stories.office import CHURN, LEADS, MAIL, PAPERS, REFUND, TICKETS

STORIES = (WEBHOOK, TICKETS, MAIL, LATENCY, REFUND, MIGRATION, CHURN, REVIEW, TERRAFORM, LEADS, PAPERS)
