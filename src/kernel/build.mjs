console.log('kernel: not built yet')
