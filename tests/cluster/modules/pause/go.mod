module tradewind.invalid/cluster/pause

go 1.24.0
