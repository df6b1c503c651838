module gopagewatch.test/apps

go 1.17
