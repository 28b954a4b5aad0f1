"""nowguard: what a night of ServiceNow activity goes through, in order. Start reading here.

    sources     read an instance over HTTP: keyset pages of logs, snapshots of slow tables      -> raw_
    lake        land partitions under a ledger, lend them out verified, publish the warehouse
    quality     judge every partition with Great Expectations; bad rows go to quarantine
    conform     derive normalised activities and account profiles from raw rows                 -> core_
    enrich      place addresses, lists, devices and profiles beside each activity
    features    user days, travel legs, and the state that one day hands to the next    -> feat_, state_
    policies    say what is forbidden or unlike a person: one file each                         -> out_
    alerts      score, explain and fold what policies saw; say what they could not see
    report      one offline page of the last run
    analysis    questions over the published warehouse, for notebooks: alerts(), explain(alert), timeline(user)

    contracts   every table, declared once     settings   every setting and its origin
    steps       the shell around all this      cli        `nowguard`, and dags/ for Airflow
    emulator    the other side of the wire, for the demo and the tests; shares no code with the above

Pure middle, thin edge: conform, enrich, features, policies and alerts take tables and return tables, and time is an
argument. Only `dags/` imports airflow.
"""

__version__ = "2026.11.0"
